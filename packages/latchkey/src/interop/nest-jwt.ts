import type { KeyObject } from 'node:crypto'
import type { HmacAlgorithm } from '../jws/algorithms.js'
import type { KeySource } from '../keys/key-source.js'
import type { Latchkey } from '../latchkey-api.js'
import { type CheckedClaims, checkAfter, checkArguments, checkedClaims, checkSettings } from './check-token.js'
import { findSecret, headerSegmentOf, secretAlgorithms } from './find-secret.js'
import { refuseAsJsonwebtoken } from './jsonwebtoken.js'

/** Settings of `nestJwtPair`. */
export interface NestJwtSettings<Verify extends object> {
  /** Further members of the option `verifyOptions`, such as `audience`. */
  readonly verifyOptions?: Verify
}

/** Key look-up and check for `JwtService.verifyAsync` of @nestjs/jwt. */
export interface NestJwtPair<Verify extends object> {
  /** The options of `JwtModule.register`, to be extended as needed, but not by `verifyOptions`. */
  readonly options: {
    /**
     * Finds the secret of a token. Nothing of the token is verified when it is called, and a token
     * that `verifyAsync` accepts is not valid before `check` has accepted it. It is asynchronous,
     * so that `verify` refuses every token.
     *
     * @throws TypeError for a request to sign: `latchkey.issue` signs.
     */
    readonly secretOrKeyProvider: (requestType: number, token: string | object) => Promise<KeyObject>
    readonly verifyOptions: Verify & { readonly algorithms: HmacAlgorithm[] }
  }
  /**
   * Resolves to the claims of this token with the stored rights, once `verifyAsync` has accepted
   * it, and owner, lifetime, session, revocation and freshness are checked.
   */
  check(token: string, verification: PromiseLike<unknown>): Promise<CheckedClaims>
}

/** The value of `JwtSecretRequestType.VERIFY`. */
const toVerify = 1

/**
 * Returns a key look-up and a check, so that `JwtService.verifyAsync` of @nestjs/jwt verifies
 * tokens of tenant secrets.
 *
 * A refused token is an error with the name `JsonWebTokenError`, `TokenExpiredError` or
 * `NotBeforeError` and the LatchkeyError as its `cause`. A LatchkeyError itself has the status 503:
 * the token could not be checked, and a guard must not turn that into 401.
 *
 * @param keys The key source of `latchkey`.
 * @throws TypeError if an argument is wrong
 * @example
 * ```ts
 * import { JwtService } from '@nestjs/jwt'
 * import { createLatchkey, tenantSecrets } from 'latchkey'
 * import { nestJwtPair } from 'latchkey/interop'
 * import { memoryStore } from 'latchkey/memory'
 *
 * const masterKeys = process.env.LATCHKEY_MASTER_KEYS
 * const keys = tenantSecrets({ store: memoryStore(), masterKeys })
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * const { options, check } = nestJwtPair(latchkey, keys)
 * const jwtService = new JwtService(options)
 *
 * export async function subjectOf(token: string): Promise<string> {
 *   const { sub } = await check(token, jwtService.verifyAsync(token))
 *   return sub
 * }
 * ```
 */
export function nestJwtPair<Verify extends object = object>(
  latchkey: Pick<Latchkey, 'verify'>,
  keys: Pick<KeySource, 'verifyingKey'>,
  settings: NestJwtSettings<Verify> = {},
): NestJwtPair<Verify> {
  checkArguments(latchkey, keys)
  const verifyOptions = settings.verifyOptions ?? ({} as Verify)
  checkSettings(verifyOptions, ['algorithms', 'complete'])
  return {
    options: {
      // Not `async`: `signAsync` of @nestjs/jwt never settles after a rejection.
      secretOrKeyProvider: (requestType, token) => {
        if (requestType !== toVerify) throw new TypeError('The pair only verifies: sign with latchkey.issue.')
        return findKey(keys, token)
      },
      verifyOptions: { ...verifyOptions, algorithms: secretAlgorithms() },
    },
    check: async (token, verification) => {
      const use = { claimsOf: (claims: unknown) => claims, refuse: refuseAsJsonwebtoken }
      return checkedClaims((await checkAfter(latchkey, token, verification, use)).auth)
    },
  }
}

async function findKey(keys: Pick<KeySource, 'verifyingKey'>, token: unknown): Promise<KeyObject> {
  try {
    return (await findSecret(keys, headerSegmentOf(token))).key
  } catch (reason) {
    throw refuseAsJsonwebtoken(reason)
  }
}
