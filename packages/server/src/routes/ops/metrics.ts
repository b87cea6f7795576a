import type { FastifyRequest } from 'fastify'
import type { App } from '../../http/app.js'
import type { Metrics } from '../../ops/metrics.js'
import { routeFailures } from '../failures.js'

/** GET /metrics */
export function addMetrics(app: App, metrics: Metrics, mayReadMetrics: (request: FastifyRequest) => boolean): void {
  app.get(
    '/metrics',
    { schema: { hide: true }, config: { limit: 'none' }, logLevel: 'warn' },
    async (request, reply) => {
      if (!mayReadMetrics(request)) {
        reply.header('WWW-Authenticate', 'Bearer')
        throw routeFailures.refusal('metrics_refused')
      }
      return reply.type(metrics.contentType).send(await metrics.scrape())
    },
  )
}
