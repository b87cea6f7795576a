import { once } from 'node:events'
import { connect as connectTo, createServer, type Socket } from 'node:net'

/**
 * Alters data on its way to the server. The proxy forwards the result; `undefined` cuts the
 * connection instead.
 */
export type Meddle = (data: Buffer) => Buffer | undefined

/** The direction in which data travels. */
export type Direction = 'to the server' | 'from the server'

/** A proxy to a server that can fail as networks do. */
export interface TcpProxy {
  /** The URL of the server through this proxy. */
  readonly url: string
  /**
   * Drops all data on the existing connections, of both directions or of one, and closes none of
   * them, as when a cable is cut.
   */
  freeze(direction?: Direction): void
  /** Cuts existing connections and refuses new ones. */
  block(): void
  /** Accepts new connections again. */
  unblock(): void
  /** Cuts every second connection. */
  cutHalf(): void
  /** Lets new connections lead to another server. Existing ones stay where they are. */
  leadTo(serverUrl: string): void
  /** Delays every answer of the server. */
  slowDown(delayMs: number): void
  /** Delays data and the ends of connections in both directions. */
  lengthen(distanceMs: number): void
  /**
   * Holds back the data of the server on new connections, and forwards all of it when the server
   * ends the connection.
   */
  hold(): void
  /** Sets the function that alters data of clients from now on. */
  meddle(meddle: Meddle): void
  /**
   * Sets a function that reads the data of the server. The value that `last` returns is the last
   * data that the connection forwards in either direction; `undefined` forwards everything.
   */
  silenceAfter(last: (data: Buffer) => Buffer | undefined): void
  close(): Promise<void>
}

/** Starts a proxy in this process to the server at `serverUrl`. */
export async function startTcpProxy(serverUrl: string): Promise<TcpProxy> {
  let target = new URL(serverUrl)
  const sockets = new Set<Socket>()
  const clients = new Set<Socket>()
  const frozen = new WeakSet<Socket>()
  let blocked = false
  let holds = false
  let delayMs = 0
  let distanceMs = 0
  // Timers of the same duration run in the order in which they were set.
  const travel = (arrive: () => void) => void (distanceMs > 0 ? setTimeout(arrive, distanceMs) : arrive())
  let meddle: Meddle = (data) => data
  let lastOf: (data: Buffer) => Buffer | undefined = () => undefined
  const server = createServer((client) => {
    if (blocked) return void client.destroy()
    const upstream = connectTo(Number(target.port), target.hostname)
    const cut = () => {
      client.destroy()
      upstream.destroy()
    }
    clients.add(client)
    client.on('close', () => clients.delete(client))
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', cut)
      socket.on('close', () => {
        sockets.delete(socket)
        if (!frozen.has(socket)) travel(cut)
      })
    }
    const held: Buffer[] | undefined = holds ? [] : undefined
    upstream.on('end', () => held !== undefined && client.write(Buffer.concat(held)))
    client.on('data', (data) => {
      if (frozen.has(client)) return
      const passed = meddle(data)
      if (passed === undefined) cut()
      else travel(() => upstream.write(passed))
    })
    upstream.on('data', (data) => {
      if (frozen.has(upstream)) return
      const last = lastOf(data)
      if (last !== undefined) {
        for (const socket of [client, upstream]) frozen.add(socket)
        client.write(last)
        return
      }
      if (held !== undefined) held.push(data)
      else if (delayMs > 0) setTimeout(() => client.write(data), delayMs)
      else travel(() => client.write(data))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('A TCP server has a port.')
  const url = new URL(serverUrl)
  url.port = String(address.port)
  const cutAll = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    url: url.href,
    freeze: (direction) => {
      const sources = direction === 'to the server' ? clients : sockets
      for (const socket of sources) {
        if (direction !== 'from the server' || !clients.has(socket)) frozen.add(socket)
      }
    },
    block: () => {
      blocked = true
      cutAll()
    },
    unblock: () => {
      blocked = false
    },
    cutHalf: () => {
      for (const [at, socket] of [...clients].entries()) if (at % 2 === 0) socket.destroy()
    },
    leadTo: (next) => {
      target = new URL(next)
    },
    slowDown: (ms) => {
      delayMs = ms
    },
    lengthen: (ms) => {
      distanceMs = ms
    },
    hold: () => {
      holds = true
    },
    meddle: (next) => {
      meddle = next
    },
    silenceAfter: (last) => {
      lastOf = last
    },
    close: async () => {
      server.close()
      cutAll()
      await once(server, 'close')
    },
  }
}
