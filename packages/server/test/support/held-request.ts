import { once } from 'node:events'
import { connect } from 'node:net'

/** A request whose last byte is held back. */
export interface HeldCall {
  readonly token?: string
  readonly body?: unknown
  /** Sent unchanged, instead of `body`. */
  readonly raw?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** A request that the server has received without the last byte of its body. */
export interface HeldRequest {
  /** Sends the last byte; returns the status and the code of the answer. */
  release(): Promise<{ status: number; code: string | undefined }>
}

/**
 * Sends a request without the end of its body. The server receives the head, so that its guards
 * run.
 */
export async function holdRequest(
  url: string,
  method: string,
  path: string,
  { token, body = {}, raw, headers = {} }: HeldCall = {},
): Promise<HeldRequest> {
  const text = raw ?? JSON.stringify(body)
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  const closed = once(socket, 'close')
  const lines = {
    Host: `${hostname}:${port}`,
    Connection: 'close',
    'Content-Type': 'application/json',
    'Content-Length': String(Buffer.byteLength(text)),
    ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
    ...headers,
  }
  const head = Object.entries(lines).map(([name, value]) => `${name}: ${value}`)
  socket.write(`${[`${method} ${path} HTTP/1.1`, ...head, '', ''].join('\r\n')}${text.slice(0, -1)}`)
  await once(socket, 'connect')
  return {
    release: async () => {
      if (socket.writable) socket.write(text.slice(-1))
      await closed
      const answer = Buffer.concat(chunks).toString()
      const status = Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1])
      return { status, code: /"code":"(\w+)"/.exec(answer)?.[1] }
    },
  }
}
