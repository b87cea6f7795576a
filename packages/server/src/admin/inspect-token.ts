import { type Grants, isLatchkeyError, type Latchkey, type SecretRecord } from 'latchkey'
import type { SqlStore } from 'latchkey/sql'

type Members = Readonly<Record<string, unknown>>

/**
 * The decoded access token and the verdict of this server. It leaves the signature out, so that the
 * token cannot be rebuilt from it.
 */
export interface Introspection {
  /** Whether this server accepts the token now. */
  readonly accepted: boolean
  /** The reason of the refusal; `null` for an accepted token. */
  readonly refusal: { readonly code: string; readonly message: string; readonly hint: string } | null
  /** The stored grants of the tenant, narrowed by the token; `null` for a refused token. */
  readonly grants: Grants | null
  /** The decoded header, genuine or not; `null` if it cannot be decoded. */
  readonly header: Members | null
  /** The decoded claims, genuine or not; `null` if they cannot be decoded. They grant no right. */
  readonly claims: Members | null
  /** The stored secret that the `kid` names; `null` if there is none. */
  readonly secret: InspectedSecret | null
}

/** The public facts about a tenant secret. */
export interface InspectedSecret
  extends Pick<SecretRecord, 'generation' | 'createdAt' | 'retiresAt' | 'reissueRequired'> {
  /** The ID of the account or client that owns the secret. */
  readonly tenant: string
  readonly isDisabled: boolean
}

const maxLength = 8192

/**
 * Decodes a token and reports whether this server accepts it, and why not. For support.
 *
 * @throws LatchkeyError only with a status of 500 or more, such as `store_unavailable`
 */
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
