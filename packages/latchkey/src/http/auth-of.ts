import type { Auth } from '../auth.js'

/**
 * Returns the identity that `requireAuth` has verified for this request. For handlers whose types
 * do not show `req.auth`, such as those behind one guard for the whole application.
 *
 * @param request The request object of Express or Fastify.
 * @throws TypeError if no `requireAuth` has let the request pass
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
export function authOf(request: object): Auth {
  const { auth } = request as { readonly auth?: Auth | null }
  if (auth === undefined || auth === null) throw new TypeError('requireAuth must run before this handler.')
  return auth
}

/**
 * Stores the verified identity in `request.auth`. The type of the request does not show it: other
 * libraries also declare an `auth`.
 */
export function setAuth(request: object, auth: Auth): void {
  ;(request as { auth: Auth }).auth = auth
}
