import type { IncomingHttpHeaders } from 'node:http'
import { safeMethods } from '../guards/cookie-guards.js'

/** The forwarded request. */
export interface ForwardedRequest {
  /** `undefined` if the proxy does not name it. */
  readonly method: string | undefined
  readonly headers: IncomingHttpHeaders
}

/**
 * Returns whether a request can only read, so that it is allowed from any site: it has a safe
 * method and opens no WebSocket. A page reads and writes through a WebSocket, its handshake is a
 * GET, and browsers apply neither CORS nor the same-origin policy to it (RFC 6455 §10.2).
 */
export function isRead({ method, headers }: ForwardedRequest): boolean {
  return method !== undefined && safeMethods.has(method) && !mayOpenWebSocket(headers)
}

/** The modes of requests other than handshakes (Fetch §2.2.5, Fetch Metadata §2.3). */
const fetchModes: ReadonlySet<string> = new Set(['cors', 'navigate', 'nested-navigate', 'no-cors', 'same-origin'])

/**
 * Any one header of a handshake is enough, because proxies drop some of them: `Connection` and
 * `Upgrade` are for one hop, and the extended CONNECT of HTTP/2 has no key (RFC 8441). Without any
 * of these, an `Origin` without `Sec-Fetch-Mode` counts: browsers send it with every handshake, and
 * with a GET only across origins.
 */
function mayOpenWebSocket(headers: IncomingHttpHeaders): boolean {
  const mode = headers['sec-fetch-mode']
  if (mode === undefined ? headers.origin !== undefined : typeof mode !== 'string' || !fetchModes.has(mode)) return true
  return Object.keys(headers).some((name) => name === 'upgrade' || name.startsWith('sec-websocket-'))
}
