import type { IncomingHttpHeaders, Server } from 'node:http'
import Hapi, { type RouteOptions } from '@hapi/hapi'
import {
  optionalAuthOf,
  plugin,
  requireClaim,
  requireRole,
  requireScope,
  sameOrigin,
} from '../../../../src/adapters/hapi/index.js'
import { applicationOf, claim, replaceHeaders, type Start, scopes, sources, trusted } from './application.js'

export const startHapi: Start = async (latchkey) => {
  // hapi refuses cookies that it cannot parse before any authentication.
  const server = Hapi.server({ port: 0, host: '127.0.0.1', debug: false, routes: { state: { parse: false } } })
  server.ext('onRequest', (request, h) => {
    replaceHeaders(request.headers as IncomingHttpHeaders)
    return h.continue
  })
  await server.register(plugin)
  server.auth.strategy('header', 'latchkey', { latchkey })
  server.auth.strategy('everywhere', 'latchkey', { latchkey, ...sources })
  server.auth.strategy('trusted', 'latchkey', { latchkey, ...sources, csrf: sameOrigin({ trusted }) })
  server.auth.strategy('unchecked', 'latchkey', { latchkey, ...sources, csrf: false })
  const routes: Readonly<Record<string, RouteOptions>> = {
    '/header': { auth: 'header' },
    '/everywhere': { auth: 'everywhere' },
    '/optional': { auth: { strategy: 'everywhere', mode: 'optional' } },
    '/trusted': { auth: 'trusted' },
    '/unchecked': { auth: 'unchecked' },
    '/scoped': { auth: 'header', pre: [requireScope(...scopes)] },
    '/role': { auth: 'header', pre: [requireRole('editor')] },
    '/claim': { auth: 'header', pre: [requireClaim(...claim)] },
    '/optional-role': { auth: { strategy: 'header', mode: 'optional' }, pre: [requireRole('editor')] },
    '/unguarded-role': { pre: [requireRole('editor')] },
    '/unguarded-claim': { pre: [requireClaim('plan')] },
    '/unguarded': { pre: [requireScope(...scopes)] },
  }
  for (const [path, options] of Object.entries(routes)) {
    server.route({
      method: ['GET', 'POST'],
      path,
      options,
      handler: (request) => ({ subject: optionalAuthOf(request)?.subject ?? null }),
    })
  }
  server.route({
    method: 'GET',
    path: '/throws',
    options: { auth: 'header' },
    handler: () => {
      throw new Error('a mistake of the handler')
    },
  })
  await server.start()
  return applicationOf(server.listener as Server, () => server.stop())
}
