import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Auth } from 'latchkey'
import type { LimitScope, RouteClass } from '../config/limits.js'
import type { App } from '../http/app.js'
import { clientAddress } from '../http/client-address.js'
import { rateLimitHeaders } from '../http/rate-limit-headers.js'
import { networkOf } from '../ip-address.js'
import { protectionFailures } from './failures.js'
import type { Quota, RateLimits } from './rate-limits.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Which limits hold for the route. Default `general`; `none` for what is asked by machines around the clock. */
    limit?: RouteClass | 'none'
    /** What a request names as its account or session before it has shown that it is its own; asked once the body is validated. `undefined` when it names none. */
    named?: (request: FastifyRequest) => string | undefined
  }
  interface FastifyRequest {
    /** The limits that have counted this request. */
    quotas: readonly Quota[] | undefined
  }
}

/** Counts every request: by its address before anything of it is read, by account once that is known. Fails with `rate_limited`. */
export function limitRequests(app: App, limits: RateLimits): void {
  app.decorateRequest('quotas', undefined)
  const take = async (request: FastifyRequest, reply: FastifyReply, scope: LimitScope, holder: readonly string[]) => {
    const { limit = 'general' } = request.routeOptions.config
    const quota = limit === 'none' ? undefined : await limits.take(limit, scope, holder)
    if (quota === undefined) return
    request.quotas = [...(request.quotas ?? []), quota]
    reply.headers(rateLimitHeaders(request.quotas))
    if (quota.exceeded) throw protectionFailures.refusal('rate_limited', { retryAfterSec: quota.resetSec })
  }
  app.addHook('onRequest', (request, reply) => take(request, reply, 'address', [networkOf(clientAddress(request))]))
  app.addHook('preHandler', async (request, reply) => {
    const { named } = request.routeOptions.config
    const signedIn = (request as { readonly auth?: Auth }).auth?.subject
    if (signedIn !== undefined) await take(request, reply, 'account', [signedIn])
    const name = named?.(request)
    if (name !== undefined) await take(request, reply, 'pair', [name, networkOf(clientAddress(request))])
  })
}
