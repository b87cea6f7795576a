import type { FastifyRequest } from 'fastify'
import type { App } from '../http/app.js'
import type { Metrics } from './metrics.js'

const loginRoute = '/v1/login'

/** Counts every request when it has been answered. */
export function observeRequests(app: App, metrics: Metrics): void {
  app.addHook('onResponse', async (request, reply) => {
    const { url = 'none', config } = request.routeOptions
    const labels = { method: request.method, route: url, status: String(reply.statusCode) }
    metrics.requests.observe(labels, reply.elapsedTime / 1000)
    if (url === loginRoute) metrics.logins.inc({ outcome: outcomeOf(request) })
    if (request.refusalCode === 'rate_limited') metrics.limiterRefusals.inc({ class: config.limit ?? 'general' })
  })
}

function outcomeOf({ refusalCode }: FastifyRequest): string {
  return refusalCode ?? 'done'
}
