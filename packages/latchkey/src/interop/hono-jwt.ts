import type { webcrypto } from 'node:crypto'
import { TOKEN_TYPE } from '../claims/token-type.js'
import { isLatchkeyError } from '../errors.js'
import { cookieValues } from '../http/cookie-values.js'
import { problemResponse } from '../http/web-request.js'
import type { HmacAlgorithm } from '../jws/algorithms.js'
import type { KeySource } from '../keys/key-source.js'
import type { Latchkey } from '../latchkey-api.js'
import { checkArguments, checkedClaims, checkToken } from './check-token.js'
import { findSecret, headerSegmentOf, uselessKey, verifyOnlyKey } from './find-secret.js'
import { libraryRefusal } from './library-refusal.js'

/** The parts of a Hono context that are used. */
export interface HonoJwtContext {
  readonly req: { readonly raw: Request }
  get(name: 'jwtPayload'): unknown
  set(name: 'jwtPayload', value: unknown): void
}

/** Settings of `honoJwtPair`. */
export interface HonoJwtSettings<Verification extends object> {
  /**
   * The option `headerName` of the middleware.
   *
   * @defaultValue `'Authorization'`
   */
  readonly headerName?: string
  /** The option `cookie` of the middleware: the name of a cookie that is not signed. */
  readonly cookie?: string
  /** Further members of the option `verification`, such as `aud`. */
  readonly verification?: Verification
}

/** The options of the middleware for one request. */
export interface HonoJwtOptions<Verification extends object> {
  readonly secret: webcrypto.CryptoKey
  readonly alg: HmacAlgorithm
  readonly headerName?: string
  readonly cookie?: string
  readonly verification: Verification & { readonly typ: string }
}

/** Key look-up and check for the middleware `jwt` of `hono/jwt`. */
export interface HonoJwtPair<Verification extends object> {
  /**
   * Resolves to the options of the middleware for this request, with the secret of its token.
   * Nothing of the token is verified when it is called.
   */
  options(c: HonoJwtContext): Promise<HonoJwtOptions<Verification>>
  /**
   * Returns the `next` of the middleware: it checks owner, lifetime, session, revocation and
   * freshness of a token that the middleware has verified, and adds the stored rights to
   * `c.get('jwtPayload')`.
   */
  check(c: HonoJwtContext, next: () => Promise<void>): () => Promise<void>
}

/**
 * Returns a key look-up and a check, so that the middleware `jwt` of `hono/jwt` verifies tokens of
 * tenant secrets. The middleware has one secret and no key look-up: it is created for each request,
 * which costs one object. It needs a version of Hono whose option `verification` has `typ`.
 *
 * A refused token is an error with the status 401, a `getResponse` as that of HTTPException, and
 * the LatchkeyError as its `cause` where Latchkey refuses it. A LatchkeyError itself has the status
 * 503: the token could not be checked.
 *
 * @param keys The key source of `latchkey`.
 * @throws TypeError if an argument is wrong
 * @example
 * ```ts
 * import { Hono } from 'hono'
 * import { type JwtVariables, jwt } from 'hono/jwt'
 * import { createLatchkey, tenantSecrets } from 'latchkey'
 * import { type CheckedClaims, honoJwtPair } from 'latchkey/interop'
 * import { memoryStore } from 'latchkey/memory'
 *
 * const masterKeys = process.env.LATCHKEY_MASTER_KEYS
 * const keys = tenantSecrets({ store: memoryStore(), masterKeys })
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * const pair = honoJwtPair(latchkey, keys)
 * const app = new Hono<{ Variables: JwtVariables<CheckedClaims> }>()
 * app.use('/api/*', async (c, next) => jwt(await pair.options(c))(c, pair.check(c, next)))
 * app.get('/api/me', (c) => c.json({ id: c.get('jwtPayload').sub }))
 * ```
 */
export function honoJwtPair<Verification extends object = object>(
  latchkey: Pick<Latchkey, 'verify'>,
  keys: Pick<KeySource, 'verifyingKey'>,
  settings: HonoJwtSettings<Verification> = {},
): HonoJwtPair<Verification> {
  checkArguments(latchkey, keys)
  const { headerName, cookie } = settings
  if (cookie !== undefined && typeof cookie !== 'string') throw new TypeError('cookie is the name of a cookie.')
  const common = {
    ...(headerName !== undefined && { headerName }),
    ...(cookie !== undefined && { cookie }),
    verification: { ...(settings.verification ?? ({} as Verification)), typ: TOKEN_TYPE },
  }
  return {
    options: async ({ req }) => {
      const token = tokenOf(req.raw, settings)
      // The middleware itself refuses a request without a token.
      if (token === undefined) return { ...common, alg: 'HS256', secret: await uselessKey('HS256') }
      try {
        const found = await findSecret(keys, headerSegmentOf(token))
        return { ...common, alg: found.algorithm, secret: await verifyOnlyKey(found) }
      } catch (reason) {
        throw refuseAsHono(reason)
      }
    },
    check: (c, next) => async () => {
      try {
        const auth = await checkToken(latchkey, tokenOf(c.req.raw, settings), c.get('jwtPayload'))
        c.set('jwtPayload', checkedClaims(auth))
      } catch (reason) {
        throw refuseAsHono(reason)
      }
      await next()
    },
  }
}

/** Returns the token that the middleware takes from a request. */
function tokenOf({ headers }: Request, { headerName, cookie }: HonoJwtSettings<object>): string | undefined {
  const credentials = headers.get(headerName ?? 'Authorization')
  if (credentials) {
    const [scheme, token, ...others] = credentials.split(/\s+/)
    return scheme?.toLowerCase() === 'bearer' && others.length === 0 ? token : undefined
  }
  return cookie === undefined ? undefined : cookieValues(headers.get('cookie') ?? '', cookie)[0]
}

/** Hono's own error handler calls `getResponse`. */
function refuseAsHono(reason: unknown): unknown {
  if (!isLatchkeyError(reason)) return reason
  const getResponse = () => problemResponse(reason)
  const refused = libraryRefusal(reason, () => ({ status: 401, getResponse }))
  return refused === reason ? Object.assign(reason, { getResponse }) : refused
}
