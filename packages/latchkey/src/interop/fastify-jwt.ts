import type { HmacAlgorithm } from '../jws/algorithms.js'
import type { KeySource } from '../keys/key-source.js'
import type { Latchkey } from '../latchkey-api.js'
import { checkArguments, checkSettings, checkToken, rightsOf } from './check-token.js'
import { findSecret, headerSegmentOf, secretAlgorithms } from './find-secret.js'
import { libraryRefusal } from './library-refusal.js'

/** Settings of `fastifyJwtPair`. */
export interface FastifyJwtSettings<Verify extends object> {
  /** Further members of the option `verify`, such as `allowedAud`. */
  readonly verify?: Verify
}

/** Key look-up and check for @fastify/jwt. */
export interface FastifyJwtPair<Verify extends object> {
  /** The options of the plugin, to be extended as needed, but not by `decode` and `verify`. */
  readonly options: {
    /**
     * Finds the secret of a token. Nothing of the token is verified when it is called. There is no
     * key to sign with: `latchkey.issue` signs.
     */
    readonly secret: { readonly public: (request: object, token: object) => Promise<Buffer> }
    /**
     * Checks owner, lifetime, session, revocation and freshness of a token that the plugin has
     * verified, and adds the stored rights to its payload. Without it, revoked and foreign tokens
     * pass.
     */
    readonly trusted: (request: object, claims: object) => Promise<boolean>
    /** The key look-up needs the header, so `request.jwtDecode()` resolves to the whole token. */
    readonly decode: { readonly complete: true }
    readonly verify: Verify & { readonly algorithms: HmacAlgorithm[]; readonly cache: false }
  }
}

/**
 * Returns a key look-up and a check, so that @fastify/jwt verifies tokens of tenant secrets.
 * `request.user` has the claims and the stored rights. `fastify.jwt.verify` has no request to check
 * and refuses every token.
 *
 * Where Latchkey refuses a token, the error has the code `FST_JWT_AUTHORIZATION_TOKEN_UNTRUSTED`,
 * the status 401 and the LatchkeyError as its `cause`. A LatchkeyError itself has the status 503:
 * the token could not be checked.
 *
 * @param keys The key source of `latchkey`.
 * @throws TypeError if an argument is wrong, such as a `cache`
 * @example
 * ```ts
 * import fastifyJwt from '@fastify/jwt'
 * import fastify from 'fastify'
 * import { createLatchkey, tenantSecrets } from 'latchkey'
 * import { fastifyJwtPair } from 'latchkey/interop'
 * import { memoryStore } from 'latchkey/memory'
 *
 * const masterKeys = process.env.LATCHKEY_MASTER_KEYS
 * const keys = tenantSecrets({ store: memoryStore(), masterKeys })
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * const app = fastify()
 * app.register(fastifyJwt, fastifyJwtPair(latchkey, keys).options)
 * app.get('/me', async (request) => request.jwtVerify())
 * ```
 */
export function fastifyJwtPair<Verify extends object = object>(
  latchkey: Pick<Latchkey, 'verify'>,
  keys: Pick<KeySource, 'verifyingKey'>,
  settings: FastifyJwtSettings<Verify> = {},
): FastifyJwtPair<Verify> {
  checkArguments(latchkey, keys)
  const verify = settings.verify ?? ({} as Verify)
  checkSettings(verify, ['key', 'algorithms', 'complete'])
  /** The token that the plugin verifies for a request: `trusted` does not receive it. */
  const tokens = new WeakMap<object, string>()
  return {
    options: {
      secret: {
        public: async (request, decoded) => {
          try {
            const token = tokenOf(decoded)
            tokens.set(request, token)
            return (await findSecret(keys, headerSegmentOf(token))).key.export()
          } catch (reason) {
            throw refuseAsFastifyJwt(reason)
          }
        },
      },
      trusted: async (request, claims) => {
        try {
          const auth = await checkToken(latchkey, tokens.get(request), claims)
          // The plugin sets `request.user` to this object afterwards.
          Object.assign(claims, rightsOf(auth))
        } catch (reason) {
          throw refuseAsFastifyJwt(reason)
        }
        return true
      },
      decode: { complete: true },
      verify: { ...verify, algorithms: secretAlgorithms(), cache: false },
    },
  }
}

/** Returns the token that fast-jwt has decoded with the option `complete`. */
function tokenOf(decoded: object): string {
  const { input, signature } = decoded as { readonly input?: unknown; readonly signature?: unknown }
  if (typeof input !== 'string' || typeof signature !== 'string')
    throw new TypeError('decode.complete must be true: leave the option decode of the pair as it is.')
  return `${input}.${signature}`
}

function refuseAsFastifyJwt(reason: unknown): unknown {
  return libraryRefusal(reason, ({ headers }) => ({
    name: 'FastifyError',
    code: 'FST_JWT_AUTHORIZATION_TOKEN_UNTRUSTED',
    statusCode: 401,
    headers,
  }))
}
