import type { FastifyRequest } from 'fastify'
import { parseAddress } from '../ip-address.js'

/**
 * Where the request comes from: the peer, or what the trusted proxies between say of it. What a proxy passes on that is no address at all is
 * skipped for the nearest one that is.
 */
export function clientAddress({ ip, ips = [ip] }: Pick<FastifyRequest, 'ip' | 'ips'>): string {
  // A peer that has left already has no address any more.
  const hops = ips.map((hop: string | undefined) => (hop === undefined ? undefined : parseAddress(hop)))
  return hops.findLast((hop) => hop !== undefined) ?? 'unknown'
}
