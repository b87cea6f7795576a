import type { FastifyRequest } from 'fastify'
import { parseAddress } from '../ip-address.js'

/**
 * Returns the address of the client: the peer, or the address that trusted proxies report. A
 * reported value that is not an address is skipped in favour of the nearest one that is.
 */
export function clientAddress({ ip, ips = [ip] }: Pick<FastifyRequest, 'ip' | 'ips'>): string {
  // The address of a peer is missing once its connection is closed.
  const hops = ips.map((hop: string | undefined) => (hop === undefined ? undefined : parseAddress(hop)))
  return hops.findLast((hop) => hop !== undefined) ?? 'unknown'
}
