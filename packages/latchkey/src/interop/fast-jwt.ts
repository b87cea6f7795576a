import type { HmacAlgorithm } from '../jws/algorithms.js'
import type { KeySource } from '../keys/key-source.js'
import type { Latchkey } from '../latchkey-api.js'
import { type CheckedClaims, checkAfter, checkArguments, checkedClaims, checkSettings } from './check-token.js'
import { findSecretOf, secretAlgorithms } from './find-secret.js'
import { libraryRefusal } from './library-refusal.js'

/** The members that the pair adds to the options of `createVerifier`. */
export interface FastJwtOptions {
  /**
   * Finds the secret of a token. Nothing of the token is verified when it is called, and a token
   * that the verifier accepts is not valid before `check` has accepted it.
   */
  readonly key: (token: { readonly header: object }) => Promise<Buffer>
  readonly algorithms: HmacAlgorithm[]
  /** A verifier with a cache accepts a revoked token for as long as the cache has it. */
  readonly cache: false
}

/** Key look-up and check for `createVerifier` of fast-jwt. */
export interface FastJwtPair<Settings extends object> {
  /** The options of `createVerifier`. */
  readonly options: Settings & FastJwtOptions
  /**
   * Resolves to the claims of this token with the stored rights, once the verifier has accepted it,
   * and owner, lifetime, session, revocation and freshness are checked.
   */
  check(token: string, verification: PromiseLike<unknown>): Promise<CheckedClaims>
}

/**
 * Returns a key look-up and a check, so that a verifier of fast-jwt verifies tokens of tenant
 * secrets.
 *
 * A refused token is an error with a `code` of fast-jwt and the LatchkeyError as its `cause`; the
 * code is `FAST_JWT_INVALID_CLAIM_VALUE` where only Latchkey refuses the token. A LatchkeyError
 * itself has the status 503: the token could not be checked.
 *
 * fast-jwt takes a secret only as bytes, and remembers the kind of the last 1,000 keys by their
 * text, until the process ends.
 *
 * @param keys The key source of `latchkey`.
 * @param settings Further options of `createVerifier`.
 * @throws TypeError if an argument is wrong, such as a `cache`
 * @example
 * ```ts
 * import { createVerifier } from 'fast-jwt'
 * import { createLatchkey, tenantSecrets } from 'latchkey'
 * import { fastJwtPair } from 'latchkey/interop'
 * import { memoryStore } from 'latchkey/memory'
 *
 * const masterKeys = process.env.LATCHKEY_MASTER_KEYS
 * const keys = tenantSecrets({ store: memoryStore(), masterKeys })
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * const { options, check } = fastJwtPair(latchkey, keys, { allowedAud: 'api' })
 * const verify = createVerifier(options)
 *
 * export async function subjectOf(token: string): Promise<string> {
 *   const { sub } = await check(token, verify(token))
 *   return sub
 * }
 * ```
 */
export function fastJwtPair<Settings extends object = object>(
  latchkey: Pick<Latchkey, 'verify'>,
  keys: Pick<KeySource, 'verifyingKey'>,
  settings = {} as Settings,
): FastJwtPair<Settings> {
  checkArguments(latchkey, keys)
  checkSettings(settings, ['key', 'algorithms', 'complete'])
  return {
    options: {
      ...settings,
      key: async ({ header }) => (await findSecretOf(keys, header)).key.export(),
      algorithms: secretAlgorithms(),
      cache: false,
    },
    check: async (token, verification) => {
      const use = { claimsOf: (claims: unknown) => claims, refuse: refuseAsFastJwt }
      return checkedClaims((await checkAfter(latchkey, token, verification, use)).auth)
    },
  }
}

function refuseAsFastJwt(reason: unknown): unknown {
  return libraryRefusal(reason, () => ({ code: 'FAST_JWT_INVALID_CLAIM_VALUE' }))
}
