import type { GuardOptions } from '../../http/guard-options.js'
import { nodeCarrier } from '../../http/node-request.js'
import { queryOf } from '../../http/parameters.js'
import type { TokenCarrier } from '../../http/take-token.js'
import type { Origin } from './request-of.js'

/**
 * Returns the parts of a request that may carry a token. Reads body and query only if they are
 * sources: Express parses the query at each access.
 */
export function carrierOf({ request, isHandshake }: Origin, options: GuardOptions): TokenCarrier {
  const { method, headers, raw = request } = request
  const body = options.body === true && !isHandshake ? request.body : undefined
  const query = options.query !== true ? undefined : isHandshake ? queryOf(request.url ?? '') : request.query
  const carrier = nodeCarrier({ method, headers, rawHeaders: raw.rawHeaders }, { body, query }, options)
  // Socket.IO may open its connection by ordinary requests, which need the same check.
  return isHandshake ? { ...carrier, isUpgrade: true } : carrier
}
