import type { Auth } from '../auth.js'
import type { UntypedClaims } from '../claims/check-claims.js'
import { refusal } from '../errors.js'

/**
 * Returns the identity that a guard has verified for this request. For handlers whose types do not
 * show `auth`, such as those behind one guard for the whole application.
 *
 * @typeParam C The output of the schema of the guard's Latchkey, which the types cannot know here.
 * @param request The request object of Express or Fastify, or `ctx.state` of Koa.
 * @throws TypeError if no guard has let the request pass
 * @throws LatchkeyError `credentials_missing` if the guard was `optional` and the request carries
 * no credentials
 * @example
 * ```ts
 * import express from 'express'
 * import { createLatchkey, remoteJwks } from 'latchkey'
 * import { authOf, requireAuth } from 'latchkey/express'
 *
 * const keys = remoteJwks('https://auth.example/jwks.json')
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * const app = express()
 * app.use(requireAuth(latchkey))
 * app.get('/me', (req, res) => res.json({ id: authOf(req).subject }))
 * ```
 */
export function authOf<C extends object = UntypedClaims>(request: object): Auth<C> {
  const auth = optionalAuthOf<C>(request)
  if (auth === undefined) throw refusal('credentials_missing')
  return auth
}

/**
 * Returns the identity behind an `optional` guard, or `undefined` if the request carries no
 * credentials.
 *
 * @typeParam C See `authOf`.
 * @param request The request object of Express or Fastify, or `ctx.state` of Koa.
 * @throws TypeError if no guard has let the request pass
 * @example
 * ```ts
 * import express from 'express'
 * import { createLatchkey, remoteJwks } from 'latchkey'
 * import { optionalAuthOf, requireAuth } from 'latchkey/express'
 *
 * const keys = remoteJwks('https://auth.example/jwks.json')
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * const app = express()
 * app.use(requireAuth(latchkey, { optional: true }))
 * app.get('/posts', (req, res) => res.json({ reader: optionalAuthOf(req)?.subject ?? null }))
 * ```
 */
export function optionalAuthOf<C extends object = UntypedClaims>(request: object): Auth<C> | undefined {
  const { auth } = request as { readonly auth?: Auth<C> | null }
  // A guard sets the property to `undefined` for a guest. Fastify's plugin declares it as `null`.
  const hasPassed = auth === undefined ? Object.hasOwn(request, 'auth') : auth !== null
  if (!hasPassed) throw new TypeError('requireAuth must run before this handler.')
  return auth ?? undefined
}

/**
 * Stores the verified identity in `request.auth`. The type of the request does not show it: other
 * libraries also declare an `auth`.
 */
export function setAuth(request: object, auth: Auth<object> | undefined): void {
  ;(request as { auth: Auth<object> | undefined }).auth = auth
}
