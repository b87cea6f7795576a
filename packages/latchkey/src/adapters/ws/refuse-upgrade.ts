import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { connectionRefusal } from '../../http/connection-refusal.js'

/**
 * Sends the response to a refused handshake, `application/problem+json`, on its socket and closes
 * the socket, unless the application has responded and ended it.
 */
export function refuseUpgrade(error: unknown, socket: Duplex): void {
  const { status, headers, body } = connectionRefusal(error)
  if (socket.writableEnded) return
  const content = JSON.stringify(body)
  const fields = { ...headers, Connection: 'close', 'Content-Length': String(Buffer.byteLength(content)) }
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    ...Object.entries(fields).map(([name, value]) => `${name}: ${value}`),
  ]
  // Unread data would make the operating system reset the connection, and with it the response.
  socket.resume()
  socket.once('finish', () => socket.destroy())
  socket.end(`${lines.join('\r\n')}\r\n\r\n${content}`)
}
