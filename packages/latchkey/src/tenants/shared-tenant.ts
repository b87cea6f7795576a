import type { EndedSession } from '../secrets/ports.js'
import type { OpenSecret, ReadTenant } from './tenant-key.js'

/**
 * What is sealed into an entry of the shared cache: the tenant, or that the kid has ended, as it was read once the history stood at `lowWaterMark`. The tenant's
 * secrets are in it as they are: the entry's seal is all that they need, and opening another for each secret would double what a read costs. Its grants
 * likewise, as their JSON text.
 */
export interface SharedTenant {
  readonly lowWaterMark: number
  readonly record:
    | (Omit<ReadTenant, 'secrets' | 'grants'> & {
        readonly secrets: readonly OpenSecret[]
        readonly grants: string | null
      })
    | null
}

/** Changes with what `encodeSharedTenant` makes, so that entries of another version of this library are misses. */
export const SHARED_TENANT_FORMAT = 3

type EncodedSecret = readonly [
  kid: string,
  generation: number,
  algorithm: OpenSecret['algorithm'],
  createdAt: number,
  retiresAt: number | null,
  reissueRequired: boolean,
  secret: OpenSecret['secret'],
]

type EncodedTenant = readonly [
  tenant: string,
  version: number,
  disabledAt: number | null,
  secrets: readonly EncodedSecret[],
  endedSessions: readonly EndedSession[],
  grants: string | null,
]

type Encoded = readonly [lowWaterMark: number, record: EncodedTenant | null]

/** JSON without the names: a process that has just started parses thousands of these, and so in two thirds of the time. */
export function encodeSharedTenant({ lowWaterMark, record }: SharedTenant): string {
  return JSON.stringify([lowWaterMark, record === null ? null : encodeTenant(record)] satisfies Encoded)
}

/** What `encodeSharedTenant` was given: the text must come from there, as one that was sealed by us does. */
export function decodeSharedTenant(text: string): SharedTenant {
  const [lowWaterMark, record]: Encoded = JSON.parse(text)
  return { lowWaterMark, record: record === null ? null : decodeTenant(record) }
}

function encodeTenant(record: NonNullable<SharedTenant['record']>): EncodedTenant {
  const { tenant, version, disabledAt, secrets, endedSessions, grants } = record
  return [tenant, version, disabledAt, secrets.map(encodeSecret), endedSessions, grants]
}

function decodeTenant([tenant, version, disabledAt, secrets, endedSessions, grants]: EncodedTenant) {
  return { tenant, version, disabledAt, secrets: secrets.map(decodeSecret), endedSessions, grants }
}

function encodeSecret(open: OpenSecret): EncodedSecret {
  const { kid, generation, algorithm, createdAt, retiresAt, reissueRequired, secret } = open
  return [kid, generation, algorithm, createdAt, retiresAt, reissueRequired, secret]
}

function decodeSecret(encoded: EncodedSecret): OpenSecret {
  const [kid, generation, algorithm, createdAt, retiresAt, reissueRequired, secret] = encoded
  return { kid, generation, algorithm, createdAt, retiresAt, reissueRequired, secret }
}
