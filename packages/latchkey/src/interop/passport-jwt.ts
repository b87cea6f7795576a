import type { HmacAlgorithm } from '../jws/algorithms.js'
import type { KeySource } from '../keys/key-source.js'
import type { Latchkey } from '../latchkey-api.js'
import { type CheckedClaims, checkArguments, checkedClaims, checkToken } from './check-token.js'
import { findSecret, headerSegmentOf, secretAlgorithms } from './find-secret.js'
import { isRefusedToken } from './library-refusal.js'

/** Called by a strategy with the user, or `false` and the reason for a refusal. */
export type PassportDone = (error: unknown, user?: unknown, info?: unknown) => void

/** Key look-up and check for the strategy of passport-jwt. */
export interface PassportJwtPair {
  /** The first argument of the strategy, to be extended by `jwtFromRequest`. */
  readonly options: {
    /** Finds the secret of a token. Nothing of the token is verified when it is called. */
    readonly secretOrKeyProvider: (request: object, token: string, done: (error: unknown, key?: never) => void) => void
    readonly algorithms: HmacAlgorithm[]
    readonly passReqToCallback: true
  }
  /**
   * Returns the second argument of the strategy: it checks owner, lifetime, session, revocation and
   * freshness of a token that passport-jwt has verified, and then calls `found` with its claims and
   * the stored rights.
   *
   * @param found The verify callback of the application, with the request as its last argument.
   */
  check<Request extends object = object>(
    found: (claims: CheckedClaims, done: PassportDone, request: Request) => void,
  ): (request: Request, claims: unknown, done: PassportDone) => void
  /**
   * Does the same for `validate(request, claims)` of a strategy of @nestjs/passport: resolves to
   * the claims and the stored rights, or rejects with a LatchkeyError.
   */
  checkClaims(request: object, claims: unknown): Promise<CheckedClaims>
}

/** The members of a strategy that passport adds for each request. */
interface StrategyOfRequest {
  error?(error: unknown): void
}

/**
 * Returns a key look-up and a check, so that passport-jwt verifies tokens of tenant secrets.
 *
 * A refused token fails the strategy (401), with the error of jsonwebtoken or the LatchkeyError as
 * `info`. A token that cannot be checked is an error of the strategy: a LatchkeyError with the
 * status 503, which passport passes to `next`.
 *
 * @param keys The key source of `latchkey`.
 * @throws TypeError if an argument is wrong
 * @example
 * ```ts
 * import { createLatchkey, tenantSecrets } from 'latchkey'
 * import { passportJwtPair } from 'latchkey/interop'
 * import { memoryStore } from 'latchkey/memory'
 * import passport from 'passport'
 * import { ExtractJwt, Strategy } from 'passport-jwt'
 *
 * const masterKeys = process.env.LATCHKEY_MASTER_KEYS
 * const keys = tenantSecrets({ store: memoryStore(), masterKeys })
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * const { options, check } = passportJwtPair(latchkey, keys)
 * const jwtFromRequest = ExtractJwt.fromAuthHeaderAsBearerToken()
 * const found = check((claims, done) => done(null, { id: claims.sub, roles: claims.roles }))
 * passport.use(new Strategy({ ...options, jwtFromRequest }, found))
 * ```
 */
export function passportJwtPair(
  latchkey: Pick<Latchkey, 'verify'>,
  keys: Pick<KeySource, 'verifyingKey'>,
): PassportJwtPair {
  checkArguments(latchkey, keys)
  /**
   * The token that passport-jwt verifies for a request: the verify callback does not receive it.
   */
  const tokens = new WeakMap<object, string>()
  const checkClaims: PassportJwtPair['checkClaims'] = async (request, claims) =>
    checkedClaims(await checkToken(latchkey, tokens.get(request), claims))
  return {
    options: {
      // A method of the strategy: only its `error` keeps 503 from becoming 401.
      secretOrKeyProvider(this: unknown, request, token, done) {
        tokens.set(request, token)
        findKey(keys, token).then(
          (key) => done(null, key as never),
          (reason) => {
            const { error } = (this ?? {}) as StrategyOfRequest
            if (isRefusedToken(reason) || error === undefined) done(reason)
            else error.call(this, reason)
          },
        )
      },
      algorithms: secretAlgorithms(),
      passReqToCallback: true,
    },
    check: (found) => (request, claims, done) => {
      checkClaims(request, claims).then(
        (checked) => {
          try {
            found(checked, done, request)
          } catch (error) {
            done(error)
          }
        },
        (reason) => (isRefusedToken(reason) ? done(null, false, reason) : done(reason)),
      )
    },
    checkClaims,
  }
}

async function findKey(keys: Pick<KeySource, 'verifyingKey'>, token: string): Promise<unknown> {
  return (await findSecret(keys, headerSegmentOf(token))).key
}
