import type { IncomingHttpHeaders } from 'node:http'
import { safeMethods } from '../guards/cookie-guards.js'

/** The request that a proxy asks about. */
export interface ForwardedRequest {
  /** `undefined` when the proxy does not say. */
  readonly method: string | undefined
  readonly headers: IncomingHttpHeaders
}

/**
 * Returns whether a request can do no more than read, so that other sites may have a browser send it:
 * a safe method that opens no WebSocket. By a WebSocket a page reads and writes, its handshake is a
 * GET, and browsers apply neither CORS nor the same-origin policy to it (RFC 6455 §10.2).
 */
export function isRead({ method, headers }: ForwardedRequest): boolean {
  return method !== undefined && safeMethods.has(method) && !mayOpenWebSocket(headers)
}

/** The modes of requests that are no handshake (Fetch §2.2.5, Fetch Metadata §2.3). */
const fetchModes: ReadonlySet<string> = new Set(['cors', 'navigate', 'nested-navigate', 'no-cors', 'same-origin'])

/**
 * Each header that shows a handshake is enough, because proxies drop some of them from the question:
 * `Connection` and `Upgrade` are for one hop, and the extended CONNECT of HTTP/2 has no key (RFC 8441).
 * Where nothing else is left, an `Origin` without `Sec-Fetch-Mode` counts: browsers send it with
 * every handshake, and with a GET only across origins.
 */
function mayOpenWebSocket(headers: IncomingHttpHeaders): boolean {
  const mode = headers['sec-fetch-mode']
  if (mode === undefined ? headers.origin !== undefined : typeof mode !== 'string' || !fetchModes.has(mode)) return true
  return Object.keys(headers).some((name) => name === 'upgrade' || name.startsWith('sec-websocket-'))
}
