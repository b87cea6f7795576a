import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A service that answers with the request it received. */
export interface EchoServer {
  readonly host: string
  /** The number of received requests. */
  readonly requests: number
  close(): void
}

/** The answer of an `EchoServer`. */
export interface Echo {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/**
 * Starts an echo server on a free port of loopback. A path that begins with a status gets that
 * status.
 */
export async function startEchoServer(): Promise<EchoServer> {
  let requests = 0
  const server = createServer(async (request, response) => {
    requests += 1
    let body = ''
    for await (const chunk of request) body += String(chunk)
    const { method = '', url = '', headers } = request
    const echo: Echo = { method, url, headers, body }
    response.statusCode = Number(/^\/(\d{3})\b/.exec(url)?.[1] ?? 200)
    response.end(JSON.stringify(echo))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    host: `127.0.0.1:${port}`,
    get requests() {
      return requests
    },
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}
