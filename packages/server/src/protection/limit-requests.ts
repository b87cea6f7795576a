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
    /** The limits of the route; `none` for endpoints that machines poll. @defaultValue 'general' */
    limit?: RouteClass | 'none'
    /**
     * Returns the account or session that the body names, before it is authenticated; `undefined`
     * for none. Called after validation.
     */
    named?: (request: FastifyRequest) => string | undefined
  }
  interface FastifyRequest {
    /** The limits that have counted this request. */
    quotas: readonly Quota[] | undefined
  }
}

/**
 * Counts each request by address before its body is read, and by account after authentication.
 * Throws `rate_limited`.
 */
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
