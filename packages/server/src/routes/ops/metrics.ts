import type { App } from '../../http/app.js'
import { Problem } from '../../problem.js'
import type { RouteContext } from '../caller.js'

/** GET /metrics */
export function addMetrics(app: App, { metrics, mayReadMetrics }: RouteContext): void {
  app.get(
    '/metrics',
    { schema: { hide: true }, config: { limit: 'none' }, logLevel: 'warn' },
    async (request, reply) => {
      if (!mayReadMetrics(request)) {
        reply.header('WWW-Authenticate', 'Bearer')
        throw new Problem('metrics_refused')
      }
      return reply.type(metrics.contentType).send(await metrics.scrape())
    },
  )
}
