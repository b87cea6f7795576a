import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { currentOf, type Live } from '../config/setting-files.js'
import { isForwarded } from '../http/forwarding-watch.js'
import { networkMatcher } from '../ip-address.js'

export interface MetricsAccessOptions {
  /**
   * A scrape must present one of them. `undefined`: no token is needed, and only this machine has
   * access.
   */
  readonly tokens: Live<readonly string[]> | undefined
  readonly issuer: string
}

const isOwnAddress = networkMatcher(['127.0.0.0/8', '::1'])

type Scrape = Pick<FastifyRequest, 'headers' | 'socket'>

/**
 * Returns the check whether a request may read the metrics. With tokens, the request must present
 * one. Without tokens, it must come from this machine, and the host of the issuer must be this
 * machine: behind a local proxy, all requests come from this machine.
 */
export function metricsAccess({ tokens, issuer }: MetricsAccessOptions): (request: Scrape) => boolean {
  if (tokens !== undefined) return ({ headers }) => isOneOf(currentOf(tokens), headers.authorization ?? '')
  const { hostname } = new URL(issuer)
  const published = hostname !== 'localhost' && !isOwnAddress(hostname)
  return (request) => !published && !isForwarded(request) && isOwnAddress(request.socket.remoteAddress)
}

/** Compares with every token, so that the duration does not show which one matched. */
function isOneOf(tokens: readonly string[], authorization: string): boolean {
  return tokens.map((token) => isEqual(authorization, `Bearer ${token}`)).includes(true)
}

function isEqual(a: string, b: string): boolean {
  return timingSafeEqual(digest(a), digest(b))
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
