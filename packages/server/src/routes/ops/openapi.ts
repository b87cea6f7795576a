import '@fastify/swagger'
import type { App } from '../../http/app.js'

/** GET /openapi.json */
export function addOpenapi(app: App): void {
  app.get('/openapi.json', { schema: { hide: true } }, async (_, reply) => {
    reply.header('Cache-Control', 'public, max-age=300')
    return app.swagger()
  })
}
