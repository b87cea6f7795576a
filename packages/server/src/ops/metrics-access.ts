import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { currentOf, type Live } from '../config/setting-files.js'
import { isForwarded } from '../http/forwarding-watch.js'
import { networkMatcher } from '../ip-address.js'

/** What decides who may read the metrics. */
export interface MetricsAccessOptions {
  /** One of them must be presented; `undefined`: nothing is, and only this machine is answered. */
  readonly tokens: Live<readonly string[]> | undefined
  readonly issuer: string
}

const isOwnAddress = networkMatcher(['127.0.0.0/8', '::1'])

/** The parts of a request that are looked at. */
type Scrape = Pick<FastifyRequest, 'headers' | 'socket'>

/**
 * Who may read the metrics: with a token whoever presents it. Without one, whoever connects from this machine itself, and only while the server is not
 * published, which its issuer tells: behind a proxy on the same machine the whole world connects from this machine.
 */
export function metricsAccess({ tokens, issuer }: MetricsAccessOptions): (request: Scrape) => boolean {
  if (tokens !== undefined) return ({ headers }) => isOneOf(currentOf(tokens), headers.authorization ?? '')
  const { hostname } = new URL(issuer)
  const published = hostname !== 'localhost' && !isOwnAddress(hostname)
  return (request) => !published && !isForwarded(request) && isOwnAddress(request.socket.remoteAddress)
}

/** Compares with every token, so that the time does not show which one was presented. */
function isOneOf(tokens: readonly string[], authorization: string): boolean {
  return tokens.map((token) => isEqual(authorization, `Bearer ${token}`)).includes(true)
}

function isEqual(a: string, b: string): boolean {
  return timingSafeEqual(digest(a), digest(b))
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
