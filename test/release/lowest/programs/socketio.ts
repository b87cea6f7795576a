import { createServer } from 'node:http'
import { type AuthData, guardNamespace } from 'latchkey/socketio'
import { Server } from 'socket.io'
import { connect } from 'socket.io-client'
import { outcomeOf, portOf, served } from '../served.js'

export const peer = 'socket.io'

type None = Record<string, never>

/** The events that the server sends. */
interface Sent {
  readonly hello: (subject: string) => void
}

export const outcome = () =>
  outcomeOf(async (latchkey) => {
    const server = createServer()
    const io = new Server<None, Sent, None, AuthData>(server)
    guardNamespace(latchkey, io)
    io.on('connection', (socket) => socket.emit('hello', socket.data.auth.subject))
    await served(server)
    return {
      ask: (token) =>
        new Promise((resolve) => {
          const auth = token === undefined ? {} : { token }
          const client = connect(`http://127.0.0.1:${portOf(server)}`, { forceNew: true, reconnection: false, auth })
          client.on('hello', resolve)
          client.on('connect_error', (error) =>
            resolve('data' in error ? (error.data as { status: number }).status : error),
          )
        }),
      close: () => io.close(),
    }
  })
