import type { Counter } from 'prom-client'
import type { App } from '../http/app.js'
import type { Metrics } from './metrics.js'

declare module 'fastify' {
  interface FastifyRequest {
    /** The outcome for a metric, if it distinguishes more than refusals. */
    outcome: string | undefined
  }
}

/** Counts every request once it was answered. */
export function observeRequests(app: App, metrics: Metrics): void {
  const outcomes = new Map<string, Counter<'outcome'>>([
    ['/v1/login', metrics.logins],
    ['/v1/passkeys/sign-in', metrics.logins],
    ['/v1/login/second-factor', metrics.logins],
    ['/v1/login/mail/complete', metrics.logins],
    ['/oauth/introspect', metrics.introspections],
    ['/v1/forward-auth', metrics.forwardAuth],
    ['/v1/forward-auth/*', metrics.forwardAuth],
  ])
  app.decorateRequest('outcome', undefined)
  app.addHook('onResponse', async (request, reply) => {
    const { url = 'none', config } = request.routeOptions
    const labels = { method: request.method, route: url, status: String(reply.statusCode) }
    metrics.requests.observe(labels, reply.elapsedTime / 1000)
    outcomes.get(url)?.inc({ outcome: request.refusalCode ?? request.outcome ?? 'done' })
    if (request.refusalCode === 'rate_limited') metrics.limiterRefusals.inc({ class: config.limit ?? 'general' })
  })
}
