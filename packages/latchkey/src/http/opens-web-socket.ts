/**
 * Returns whether a request with these headers opens a WebSocket (RFC 6455 §4.1). Browsers can
 * upgrade to no other protocol; programs send `Upgrade: h2c` with ordinary requests. One header is
 * enough, because proxies drop `Upgrade`. Over HTTP/2 the method is CONNECT (RFC 8441 §4), which no
 * check takes for a safe one.
 */
export function opensWebSocket(upgrade: string | undefined, webSocketKey: string | undefined): boolean {
  return webSocketKey !== undefined || upgrade?.toLowerCase().includes('websocket') === true
}
