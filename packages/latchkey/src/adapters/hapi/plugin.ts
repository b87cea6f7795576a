import type { Plugin } from '@hapi/hapi'
import { scheme } from './scheme.js'

/**
 * The hapi plugin. It registers the authentication scheme `latchkey`.
 *
 * @example
 * ```ts
 * import Hapi from '@hapi/hapi'
 * import { createLatchkey, remoteJwks } from 'latchkey'
 * import { authOf, plugin } from 'latchkey/hapi'
 *
 * const keys = remoteJwks('https://auth.example/jwks.json')
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * const server = Hapi.server()
 * await server.register(plugin)
 * server.auth.strategy('token', 'latchkey', { latchkey })
 * server.auth.default('token')
 * server.route({
 *   method: 'GET',
 *   path: '/me',
 *   handler: (request) => ({ id: authOf(request).subject }),
 * })
 * ```
 */
export const plugin: Plugin<void> = {
  name: 'latchkey',
  once: true,
  register: (server) => server.auth.scheme('latchkey', scheme),
}
