import fastify from 'fastify'
import plugin, { requireRole } from 'latchkey/fastify'
import { outcomeOf, servedAt } from '../served.js'

export const peer = 'fastify'
export const outcome = () =>
  outcomeOf(async (latchkey) => {
    const app = fastify()
    await app.register(plugin, { latchkey })
    app.get('/me', { onRequest: app.authenticate }, async ({ auth }) => ({ id: auth.subject }))
    app.get('/drafts', { onRequest: [app.authenticate, requireRole('editor')] }, async ({ auth }) => auth.subject)
    await app.listen({ port: 0, host: '127.0.0.1' })
    return servedAt(app.server, '/me', () => app.close())
  })
