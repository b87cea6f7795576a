import { type Grants, isLatchkeyError, type Latchkey, type SecretRecord } from 'latchkey'
import type { SqlStore } from 'latchkey/sql'

type Members = Readonly<Record<string, unknown>>

/** What an access token says, and what this server says to it. The signature is in none of it, so that nobody can make the token out of this. */
export interface Introspection {
  /** Whether it would be accepted now. */
  readonly accepted: boolean
  /** Why not; `null` when it would be. */
  readonly refusal: { readonly code: string; readonly message: string; readonly hint: string } | null
  /** What its bearer may do now, as it is stored with the tenant and narrowed by the token; `null` when it is refused. */
  readonly grants: Grants | null
  /** As the token has it, whether or not it is genuine; `null` when it cannot be read. No claim of it gives a right. */
  readonly header: Members | null
  readonly claims: Members | null
  /** The stored secret that its `kid` names; `null` when there is none any more, or never was. */
  readonly secret: InspectedSecret | null
}

/** What may be known of a secret. */
export interface InspectedSecret
  extends Pick<SecretRecord, 'generation' | 'createdAt' | 'retiresAt' | 'reissueRequired'> {
  /** The account or client that it belongs to. */
  readonly tenant: string
  readonly isDisabled: boolean
}

const maxLength = 8192

/** Looks into a token for whoever supports its bearer. Fails with `store_unavailable` and its like alone. */
export async function inspectToken(
  { latchkey, store }: { readonly latchkey: Latchkey; readonly store: SqlStore },
  token: string,
): Promise<Introspection> {
  const verdict = await verdictOn(latchkey, token)
  const [header, claims] = token.length > maxLength ? [] : token.split('.').map(membersOf)
  const kid = typeof header?.kid === 'string' ? header.kid : undefined
  const secret = kid === undefined ? null : await findSecret(store, kid)
  return { accepted: verdict.refusal === null, ...verdict, header: header ?? null, claims: claims ?? null, secret }
}

async function verdictOn(latchkey: Latchkey, token: string): Promise<Pick<Introspection, 'refusal' | 'grants'>> {
  try {
    const { grants } = await latchkey.verify(token)
    return { refusal: null, grants }
  } catch (error) {
    if (!isLatchkeyError(error) || error.status >= 500) throw error
    return { refusal: { code: error.code, message: error.message, hint: error.hint }, grants: null }
  }
}

async function findSecret(store: SqlStore, kid: string): Promise<InspectedSecret | null> {
  const owner = (await store.readByKid([kid])).get(kid)
  const secret = owner?.secrets.find((candidate) => candidate.kid === kid)
  if (owner === undefined || secret === undefined) return null
  const { generation, createdAt, retiresAt, reissueRequired } = secret
  return {
    tenant: owner.tenant,
    isDisabled: owner.disabledAt !== null,
    generation,
    createdAt,
    retiresAt,
    reissueRequired,
  }
}

function membersOf(segment: string): Members | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(segment, 'base64url').toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : undefined
  } catch {
    return undefined
  }
}
