import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Latchkey } from 'latchkey'
import { createTestLatchkey } from 'latchkey/testing'

/** A guarded route, of which a client asks for the status with or without a token. */
export interface Served {
  readonly ask: (token?: string) => Promise<unknown>
  readonly close: () => unknown
}

/** The headers of a request with a token. */
export function headersWith(token: string | undefined): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` }
}

/** Serves a guarded route, and returns what a guest, a user, and a revoked user receive. */
export async function outcomeOf(serve: (latchkey: Latchkey) => Served | Promise<Served>): Promise<unknown[]> {
  const { latchkey, keys, tokenFor } = createTestLatchkey()
  const { ask, close } = await serve(latchkey)
  try {
    const token = await tokenFor('ada')
    const outcome = [await ask(), await ask(token)]
    await keys.revoke('ada')
    return [...outcome, await ask(token)]
  } finally {
    await close()
  }
}

/** Starts a server of `node:http`, whose route answers with the status. */
export async function served(server: Server, path = '/me'): Promise<Served> {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()))
  return servedAt(server, path)
}

/** Returns the route of a server that listens already. */
export function servedAt(server: Server, path = '/me', close: () => unknown = () => end(server)): Served {
  const url = `http://127.0.0.1:${portOf(server)}${path}`
  return { ask: async (token) => (await fetch(url, { headers: headersWith(token) })).status, close }
}

export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}

function end(server: Server): void {
  server.close()
  server.closeAllConnections()
}
