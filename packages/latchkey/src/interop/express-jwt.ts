import type { KeyObject } from 'node:crypto'
import type { HmacAlgorithm } from '../jws/algorithms.js'
import type { KeySource } from '../keys/key-source.js'
import type { Latchkey } from '../latchkey-api.js'
import { checkArguments, checkToken, rightsOf } from './check-token.js'
import { findSecretOf, secretAlgorithms } from './find-secret.js'
import { libraryRefusal } from './library-refusal.js'

/** The part of an Express request that is read. */
export interface ExpressJwtRequest {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

/** Returns the token of a request. */
export type ExpressJwtTokenGetter<Request> = (request: Request) => string | Promise<string> | undefined

/** A token as express-jwt has decoded it. */
export interface DecodedJwt {
  readonly header: object
  readonly payload: object | string
  readonly signature: string
}

/** Settings of `expressJwtPair`. */
export interface ExpressJwtSettings<Request> {
  /**
   * The option `getToken` of express-jwt. It is called twice for a request.
   *
   * @defaultValue the bearer token of the `Authorization` header
   */
  readonly getToken?: ExpressJwtTokenGetter<Request>
}

/** Key look-up and check for express-jwt. */
export interface ExpressJwtPair<Request> {
  /** The options of `expressjwt`, to be extended as needed. */
  readonly options: {
    /** Finds the secret of a token. Nothing of the token is verified when it is called. */
    readonly secret: (request: Request, token: DecodedJwt | undefined) => Promise<KeyObject>
    /**
     * Checks owner, lifetime, session, revocation and freshness of a token that express-jwt has
     * verified, and adds the stored rights to its payload. Without it, revoked and foreign tokens
     * pass.
     */
    readonly isRevoked: (request: Request, token: DecodedJwt | undefined) => Promise<boolean>
    readonly algorithms: HmacAlgorithm[]
    readonly getToken?: ExpressJwtTokenGetter<Request>
  }
}

/**
 * Returns a key look-up and a check, so that express-jwt verifies tokens of tenant secrets.
 * `req.auth` has the claims and the stored rights.
 *
 * A refused token is an error with the name `UnauthorizedError`, the status 401 and the code
 * `invalid_token` or `revoked_token`; where Latchkey refuses it, the LatchkeyError is the `cause`.
 * A LatchkeyError itself has the status 503: the token could not be checked.
 *
 * @param keys The key source of `latchkey`.
 * @throws TypeError if an argument is wrong
 * @example
 * ```ts
 * import express from 'express'
 * import { expressjwt, type Request } from 'express-jwt'
 * import { createLatchkey, tenantSecrets } from 'latchkey'
 * import { expressJwtPair } from 'latchkey/interop'
 * import { memoryStore } from 'latchkey/memory'
 *
 * const masterKeys = process.env.LATCHKEY_MASTER_KEYS
 * const keys = tenantSecrets({ store: memoryStore(), masterKeys })
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * const app = express()
 * app.get('/me', expressjwt(expressJwtPair(latchkey, keys).options), (req: Request, res) => {
 *   res.json({ id: req.auth?.sub })
 * })
 * ```
 */
export function expressJwtPair<Request extends ExpressJwtRequest = ExpressJwtRequest>(
  latchkey: Pick<Latchkey, 'verify'>,
  keys: Pick<KeySource, 'verifyingKey'>,
  { getToken }: ExpressJwtSettings<Request> = {},
): ExpressJwtPair<Request> {
  checkArguments(latchkey, keys)
  return {
    options: {
      algorithms: secretAlgorithms(),
      ...(getToken !== undefined && { getToken }),
      secret: async (_request, token) => {
        try {
          return (await findSecretOf(keys, token?.header)).key
        } catch (reason) {
          throw refuseAsExpressJwt(reason)
        }
      },
      isRevoked: async (request, token) => {
        try {
          const raw = getToken === undefined ? bearerToken(request) : await getToken(request)
          const auth = await checkToken(latchkey, raw, token?.payload)
          // express-jwt sets `req.auth` to this object afterwards.
          Object.assign(token?.payload as object, rightsOf(auth))
        } catch (reason) {
          throw refuseAsExpressJwt(reason)
        }
        return false
      },
    },
  }
}

/** Returns the token that express-jwt takes from a request without `getToken`. */
function bearerToken({ headers }: ExpressJwtRequest): string | undefined {
  const header = 'Authorization' in headers ? headers.Authorization : headers.authorization
  const parts = typeof header === 'string' ? header.split(' ') : []
  return parts.length === 2 ? parts[1] : undefined
}

function refuseAsExpressJwt(reason: unknown): unknown {
  return libraryRefusal(reason, (inner) => ({
    name: 'UnauthorizedError',
    code: inner.code === 'token_revoked' || inner.code === 'session_ended' ? 'revoked_token' : 'invalid_token',
    status: 401,
    inner,
    headers: inner.headers,
  }))
}
