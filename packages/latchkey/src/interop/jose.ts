import type { webcrypto } from 'node:crypto'
import { TOKEN_TYPE } from '../claims/token-type.js'
import type { HmacAlgorithm } from '../jws/algorithms.js'
import type { KeySource } from '../keys/key-source.js'
import type { Latchkey } from '../latchkey-api.js'
import { type CheckedClaims, checkAfter, checkArguments, checkedClaims } from './check-token.js'
import { findSecret, secretAlgorithms, verifyOnlyKey } from './find-secret.js'
import { libraryRefusal } from './library-refusal.js'

/** Key look-up and check for `jwtVerify` of jose. */
export interface JosePair {
  /**
   * Finds the secret of a token: the second argument of `jwtVerify`. Nothing of the token is
   * verified when it is called, and a token that `jwtVerify` accepts is not valid before `check`
   * has accepted it. The key can verify, but neither sign nor be exported.
   */
  readonly key: (
    header: object | undefined,
    jws: { readonly protected?: string | undefined },
  ) => Promise<webcrypto.CryptoKey>
  /** The third argument of `jwtVerify`, to be extended as needed. */
  readonly options: { readonly algorithms: HmacAlgorithm[]; readonly typ: string }
  /**
   * Resolves to the result of `jwtVerify` for this token, once owner, lifetime, session, revocation
   * and freshness are checked. Its payload has the stored rights.
   */
  check<Result extends { readonly payload: object }>(
    token: string,
    verification: PromiseLike<Result>,
  ): Promise<Omit<Result, 'payload'> & { readonly payload: CheckedClaims }>
}

/**
 * Returns a key look-up and a check, so that `jwtVerify` of jose verifies tokens of tenant secrets.
 *
 * A refused token is an error with a `code` of jose, such as `ERR_JWT_EXPIRED`; where only Latchkey
 * refuses it, the code is `ERR_JWT_INVALID` and the LatchkeyError is the `cause`. A LatchkeyError
 * itself has the status 503: the token could not be checked.
 *
 * @param keys The key source of `latchkey`.
 * @throws TypeError if an argument is wrong
 * @example
 * ```ts
 * import { jwtVerify } from 'jose'
 * import { createLatchkey, tenantSecrets } from 'latchkey'
 * import { josePair } from 'latchkey/interop'
 * import { memoryStore } from 'latchkey/memory'
 *
 * const masterKeys = process.env.LATCHKEY_MASTER_KEYS
 * const keys = tenantSecrets({ store: memoryStore(), masterKeys })
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * const { key, options, check } = josePair(latchkey, keys)
 *
 * export async function subjectOf(token: string): Promise<string> {
 *   const { payload } = await check(token, jwtVerify(token, key, options))
 *   return payload.sub
 * }
 * ```
 */
export function josePair(latchkey: Pick<Latchkey, 'verify'>, keys: Pick<KeySource, 'verifyingKey'>): JosePair {
  checkArguments(latchkey, keys)
  const check: JosePair['check'] = async (token, verification) => {
    const { result, auth } = await checkAfter(latchkey, token, verification, {
      claimsOf: ({ payload }) => payload,
      refuse: refuseAsJose,
    })
    return { ...result, payload: checkedClaims(auth) }
  }
  return {
    key: async (_header, jws) => {
      try {
        return await verifyOnlyKey(await findSecret(keys, jws.protected ?? ''))
      } catch (reason) {
        throw refuseAsJose(reason)
      }
    },
    options: { algorithms: secretAlgorithms(), typ: TOKEN_TYPE },
    check,
  }
}

function refuseAsJose(reason: unknown): unknown {
  return libraryRefusal(reason, () => ({ name: 'JWTInvalid', code: 'ERR_JWT_INVALID' }))
}
