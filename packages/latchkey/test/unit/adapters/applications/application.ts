import type { IncomingHttpHeaders, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Latchkey } from '../../../../src/latchkey-api.js'

/** An application of one framework, with the routes of the table, as a user would write it. */
export interface Application {
  readonly server: Server
  readonly port: number
  close(): Promise<void>
}

/** Starts an application with the routes that `requests.ts` describes, and `/throws`. */
export type Start = (latchkey: Latchkey) => Promise<Application>

/** Options of the guard of a route, by its path, as far as all frameworks have them. */
export const sources = { cookie: 'session', header: 'X-Access-Token', query: true } as const

export const scopes = ['articles:write', 'articles:read'] as const
export const claim = ['plan', 'pro', 'team'] as const
export const trusted = ['https://app.example.com'] as const

const replaceable = ['authorization', 'cookie'] as const

/** Edits the headers of a Node.js request, as middleware before the guard does. */
export function replaceHeaders(headers: IncomingHttpHeaders): void {
  for (const name of replaceable) {
    const value = headers[`x-replace-${name}`]
    if (value === '') delete headers[name]
    else if (typeof value === 'string') headers[name] = value
  }
}

/** Does the same for a Web request. Its headers are immutable, so this returns another request. */
export function replaceRequest(request: Request): Request {
  if (!replaceable.some((name) => request.headers.has(`x-replace-${name}`))) return request
  const headers = new Headers(request.headers)
  for (const name of replaceable) {
    const value = headers.get(`x-replace-${name}`)
    if (value === '') headers.delete(name)
    else if (value !== null) headers.set(name, value)
  }
  return new Request(request, { headers })
}

/** Starts a server on a free port of this machine. */
export function listen(server: Server): Promise<Application> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(applicationOf(server)))
  })
}

/** Returns the application of a server that listens already. */
export function applicationOf(server: Server, close = () => closeServer(server)): Application {
  return { server, port: (server.address() as AddressInfo).port, close }
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
