import type fastify from 'fastify'
import type { FastifyRequest } from 'fastify'
import {
  optionalAuthOf,
  requireAuth,
  requireClaim,
  requireRole,
  requireScope,
  sameOrigin,
} from '../../../../src/adapters/fastify/index.js'
import { applicationOf, claim, replaceHeaders, type Start, scopes, sources, trusted } from './application.js'

const answer = async (request: FastifyRequest) => ({ subject: optionalAuthOf(request)?.subject ?? null })

/** Returns the start of an application of one version of Fastify. */
export function startFastify(framework: typeof fastify): Start {
  return async (latchkey) => {
    const app = framework()
    app.addHook('onRequest', async ({ headers }) => replaceHeaders(headers))
    app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
      done(null, Object.fromEntries(new URLSearchParams(String(body)))),
    )
    const everywhere = requireAuth(latchkey, { ...sources, body: true })
    const optional = requireAuth(latchkey, { ...sources, body: true, optional: true })
    const guards = {
      '/header': { onRequest: requireAuth(latchkey) },
      '/everywhere': { preHandler: everywhere },
      '/optional': { preHandler: optional },
      '/trusted': { onRequest: requireAuth(latchkey, { ...sources, csrf: sameOrigin({ trusted }) }) },
      '/unchecked': { onRequest: requireAuth(latchkey, { ...sources, csrf: false }) },
      '/scoped': { onRequest: [requireAuth(latchkey), requireScope(...scopes)] },
      '/role': { onRequest: [requireAuth(latchkey), requireRole('editor')] },
      '/claim': { onRequest: [requireAuth(latchkey), requireClaim(...claim)] },
      '/optional-role': { onRequest: [requireAuth(latchkey, { optional: true }), requireRole('editor')] },
      '/unguarded-role': { onRequest: requireRole('editor') },
      '/unguarded-claim': { onRequest: requireClaim('plan') },
      '/unguarded': { onRequest: requireScope(...scopes) },
    }
    for (const [url, hooks] of Object.entries(guards)) {
      app.route({ method: ['GET', 'POST'], url, ...(hooks as object), handler: answer })
    }
    app.get('/throws', { onRequest: requireAuth(latchkey) }, async () => {
      throw new Error('a mistake of the handler')
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    return applicationOf(app.server, async () => void (await app.close()))
  }
}
