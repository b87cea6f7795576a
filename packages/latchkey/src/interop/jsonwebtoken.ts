import type { KeyObject } from 'node:crypto'
import type { HmacAlgorithm } from '../jws/algorithms.js'
import type { KeySource } from '../keys/key-source.js'
import type { Latchkey } from '../latchkey-api.js'
import { type CheckedClaims, checkAfter, checkArguments, checkedClaims, setCause } from './check-token.js'
import { findSecretOf, secretAlgorithms } from './find-secret.js'
import { libraryRefusal } from './library-refusal.js'

/** Key look-up and check for `verify` of jsonwebtoken. */
export interface JsonwebtokenPair {
  /**
   * Finds the secret of a token: the second argument of `verify`. Nothing of the token is verified
   * when it is called, and a token that `verify` accepts is not valid before `check` has accepted
   * it.
   */
  readonly key: (header: object, callback: (error: Error | null, key?: KeyObject) => void) => void
  /** The third argument of `verify`, to be extended as needed, but not by `complete`. */
  readonly options: { readonly algorithms: HmacAlgorithm[] }
  /**
   * Returns the fourth argument of `verify` for this token: a callback that checks owner, lifetime,
   * session, revocation and freshness, and then calls `callback` with the claims and the stored
   * rights.
   */
  check(
    token: string,
    callback: (error: Error | null, claims?: CheckedClaims) => void,
  ): (error: Error | null, claims?: unknown) => void
}

/**
 * Returns a key look-up and a check, so that `verify` of jsonwebtoken verifies tokens of tenant
 * secrets. Its synchronous form has no key look-up and cannot be used.
 *
 * A refused token is an error with the name `JsonWebTokenError`, `TokenExpiredError` or
 * `NotBeforeError` and the LatchkeyError as its `cause`. An error of Latchkey itself has the status
 * 503: the token could not be checked.
 *
 * @param keys The key source of `latchkey`.
 * @throws TypeError if an argument is wrong
 * @example
 * ```ts
 * import jwt from 'jsonwebtoken'
 * import { createLatchkey, tenantSecrets } from 'latchkey'
 * import { jsonwebtokenPair } from 'latchkey/interop'
 * import { memoryStore } from 'latchkey/memory'
 *
 * const masterKeys = process.env.LATCHKEY_MASTER_KEYS
 * const keys = tenantSecrets({ store: memoryStore(), masterKeys })
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * const { key, options, check } = jsonwebtokenPair(latchkey, keys)
 *
 * export function subjectOf(token: string, done: (error: Error | null, id?: string) => void) {
 *   jwt.verify(token, key, options, check(token, (error, claims) => done(error, claims?.sub)))
 * }
 * ```
 */
export function jsonwebtokenPair(
  latchkey: Pick<Latchkey, 'verify'>,
  keys: Pick<KeySource, 'verifyingKey'>,
): JsonwebtokenPair {
  checkArguments(latchkey, keys)
  // jsonwebtoken makes an error of a failed look-up that lacks the reason, and calls back with it
  // before `callback` returns.
  let failing: unknown
  const check: JsonwebtokenPair['check'] = (token, callback) => (error, claims) => {
    if (error && failing !== undefined) setCause(error, failing)
    const verification = error ? Promise.reject(error) : Promise.resolve(claims)
    checkAfter(latchkey, token, verification, { claimsOf: (result) => result, refuse: refuseAsJsonwebtoken }).then(
      ({ auth }) => callback(null, checkedClaims(auth)),
      (reason) => callback(reason),
    )
  }
  return {
    key: (header, callback) => {
      findSecretOf(keys, header).then(
        (found) => callback(null, found.key),
        (reason) => {
          failing = reason
          try {
            callback(reason)
          } finally {
            failing = undefined
          }
        },
      )
    },
    options: { algorithms: secretAlgorithms() },
    check,
  }
}

/** Returns the error of a token that jsonwebtoken accepts and Latchkey refuses. */
export function refuseAsJsonwebtoken(reason: unknown): unknown {
  return libraryRefusal(reason, (inner) => ({ name: 'JsonWebTokenError', inner, status: 401, statusCode: 401 }))
}
