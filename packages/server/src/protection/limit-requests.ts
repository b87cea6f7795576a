import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Auth } from 'latchkey'
import type { RouteClass } from '../config/limits.js'
import type { App } from '../http/app.js'
import { clientAddress } from '../http/client-address.js'
import { rateLimitHeaders } from '../http/rate-limit-headers.js'
import { networkOf } from '../ip-address.js'
import { protectionFailures } from './failures.js'
import type { LimitedBy, Quota, RateLimits } from './rate-limits.js'

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
    /** The counter of the address, if the request has not been counted in it yet. */
    uncounted: LimitedBy | undefined
  }
}

/**
 * Counts each request by address before its body is read, and by account after authentication.
 * Throws `rate_limited`.
 *
 * Where the body names a second counter and both are exact, the address is counted with it, in one
 * statement, once the body has been read. `RateLimits.defer` bounds how many requests of one
 * address can delay their count by sending their bodies slowly.
 */
export function limitRequests(app: App, limits: RateLimits): void {
  app.decorateRequest('quotas', undefined)
  app.decorateRequest('uncounted', undefined)
  const take = async (request: FastifyRequest, reply: FastifyReply, counters: readonly LimitedBy[]) => {
    const { limit = 'general' } = request.routeOptions.config
    request.uncounted = undefined
    const quotas = limit === 'none' ? [] : await limits.take(limit, counters)
    if (quotas.length === 0) return
    request.quotas = [...(request.quotas ?? []), ...quotas]
    reply.headers(rateLimitHeaders(request.quotas))
    const resetsSec = quotas.filter(({ exceeded }) => exceeded).map(({ resetSec }) => resetSec)
    if (resetsSec.length === 0) return
    throw protectionFailures.refusal('rate_limited', { retryAfterSec: Math.max(...resetsSec) })
  }
  app.addHook('onRequest', async (request, reply) => {
    const { limit = 'general', named } = request.routeOptions.config
    if (limit === 'none') return
    const address: LimitedBy = { scope: 'address', holder: [networkOf(clientAddress(request))] }
    if (named !== undefined && limits.defer(limit, address)) request.uncounted = { ...address, deferred: true }
    else await take(request, reply, [address])
  })
  app.addHook('preHandler', async (request, reply) => {
    const { named } = request.routeOptions.config
    const signedIn = (request as { readonly auth?: Auth }).auth?.subject
    const name = named?.(request)
    await take(request, reply, [
      ...(request.uncounted === undefined ? [] : [request.uncounted]),
      ...(signedIn === undefined ? [] : [{ scope: 'account', holder: [signedIn] } as const]),
      ...(name === undefined ? [] : [{ scope: 'pair', holder: [name, networkOf(clientAddress(request))] } as const]),
    ])
  })
  // A request that ends before its handler, such as one whose body is malformed or never arrives.
  app.addHook('onSend', async (request, reply) => {
    if (request.uncounted !== undefined) await take(request, reply, [request.uncounted]).catch(() => {})
  })
}
