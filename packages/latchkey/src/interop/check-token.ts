import { isDeepStrictEqual } from 'node:util'
import type { Auth } from '../auth.js'
import type { Claims } from '../claims/check-claims.js'
import type { Grants } from '../claims/grants.js'
import { isLatchkeyError, type LatchkeyError } from '../errors.js'
import { borrowBase64url } from '../jws/base64url.js'
import { splitCompact } from '../jws/compact.js'
import type { KeySource } from '../keys/key-source.js'
import type { Latchkey } from '../latchkey-api.js'
import { parseJsonObject } from '../strict-json.js'
import { isRefusedToken } from './library-refusal.js'

/**
 * The rights of a subject, in place of any claims of these names: the holder of a tenant's secret
 * can sign any claim (C1).
 */
export interface StoredRights {
  /** The roles of `grants`. */
  readonly roles: readonly string[]
  /** The scope of `grants`, which the token's `scope` claim can only narrow. */
  readonly scope: string
  /** The grants of the subject, with the other members that `setGrants` stored. */
  readonly grants: Grants
}

/** The claims of a token that the library and Latchkey have accepted, with its current rights. */
export type CheckedClaims = Claims & StoredRights

/** Throws a TypeError for wrong arguments of a pair. */
export function checkArguments(latchkey: Pick<Latchkey, 'verify'>, keys: Pick<KeySource, 'verifyingKey'>): void {
  if (typeof latchkey?.verify !== 'function')
    throw new TypeError('latchkey is missing: pass the object that createLatchkey returned.')
  if (typeof keys?.verifyingKey !== 'function')
    throw new TypeError('keys is missing: pass the key source that createLatchkey has.')
}

/** Throws a TypeError for a setting that a pair decides itself, and for a cache of verdicts. */
export function checkSettings(settings: object, ownNames: readonly string[]): void {
  for (const name of ownNames) {
    if (name in settings) throw new TypeError(`${name} is decided by the pair: leave it out.`)
  }
  const { cache } = settings as { readonly cache?: unknown }
  if (cache !== undefined && cache !== false && cache !== 0) {
    throw new TypeError('cache must be false: a cached verdict would outlive a revocation.')
  }
}

/**
 * Returns the identity of a token that another library has accepted. Latchkey verifies the whole
 * token once more, as the last step, because the token may have ended since its key was found (C4).
 *
 * @param claims The claims that the library read. They must be those of this token.
 * @throws TypeError for the claims of another token; otherwise as `verify`
 */
export async function checkToken(
  latchkey: Pick<Latchkey, 'verify'>,
  token: string | undefined,
  claims: unknown,
): Promise<Auth> {
  if (token === undefined) throw otherToken()
  const auth = await latchkey.verify(token)
  if (!isDeepStrictEqual(payloadOf(token), claims)) throw otherToken()
  return auth
}

/** Returns the claims as they were signed: a schema of the option `claims` may return others. */
function payloadOf(token: string): Readonly<Record<string, unknown>> | undefined {
  const payload = borrowBase64url(splitCompact(token).payloadSegment)
  return payload === undefined ? undefined : parseJsonObject(payload)
}

function otherToken(): TypeError {
  return new TypeError('The check was called for another token than the one that the library verified.')
}

/** Returns the rights that replace the claims of the same names. */
export function rightsOf({ grants }: Auth): StoredRights {
  return { roles: grants.roles, scope: grants.scope, grants }
}

/** Returns the claims of a token with the rights of its subject. */
export function checkedClaims(auth: Auth): CheckedClaims {
  return { ...auth.claims, ...rightsOf(auth) }
}

/**
 * Resolves to the result of a library and the identity of its token. Rejects with the error of the
 * library, which has the refusal of Latchkey as its `cause`, or with the error that `refuse`
 * returns for a token that only Latchkey refuses.
 *
 * @param claimsOf Returns the claims in a result of the library.
 */
export async function checkAfter<Result>(
  latchkey: Pick<Latchkey, 'verify'>,
  token: string,
  verification: PromiseLike<Result>,
  {
    claimsOf,
    refuse,
  }: { readonly claimsOf: (result: Result) => unknown; readonly refuse: (reason: unknown) => unknown },
): Promise<{ readonly result: Result; readonly auth: Auth }> {
  let result: Result
  try {
    result = await verification
  } catch (error) {
    throw await withCause(latchkey, token, error)
  }
  try {
    return { result, auth: await checkToken(latchkey, token, claimsOf(result)) }
  } catch (reason) {
    throw refuse(reason)
  }
}

/**
 * Returns the error of the library with the reason of Latchkey as its cause. If the token could not
 * be checked, it returns that reason instead (503): the library reports it as an invalid token.
 */
async function withCause(latchkey: Pick<Latchkey, 'verify'>, token: string, error: unknown): Promise<unknown> {
  const reason = reasonIn(error) ?? (await refusalOf(latchkey, token))
  if (reason === undefined) return error
  if (!isRefusedToken(reason)) return reason
  if (error !== reason) setCause(error, reason)
  return error
}

/** Returns the error of the key look-up that an error of a library contains. */
function reasonIn(error: unknown): LatchkeyError | undefined {
  const { cause, originalError } = (error ?? {}) as { readonly cause?: unknown; readonly originalError?: unknown }
  return [error, cause, originalError].find(isLatchkeyError)
}

async function refusalOf(latchkey: Pick<Latchkey, 'verify'>, token: string): Promise<LatchkeyError | undefined> {
  try {
    await latchkey.verify(token)
    return undefined
  } catch (reason) {
    return isLatchkeyError(reason) ? reason : undefined
  }
}

/** Sets the `cause` of an error that has none. */
export function setCause(error: unknown, cause: unknown): void {
  if (typeof error !== 'object' || error === null || 'cause' in error) return
  Object.defineProperty(error, 'cause', { value: cause, configurable: true, writable: true })
}
