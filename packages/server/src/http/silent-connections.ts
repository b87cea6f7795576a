import type { Socket } from 'node:net'
import type { App } from './app.js'

/**
 * Closes connections without a request when the app closes. Browsers open such connections in
 * advance, and Node.js would wait for them until they time out.
 */
export function dropSilentConnections(app: App): void {
  const silent = new Set<Socket>()
  app.server.on('connection', (socket: Socket) => {
    silent.add(socket)
    socket.once('close', () => silent.delete(socket))
  })
  app.server.on('request', ({ socket }) => silent.delete(socket))
  app.addHook('preClose', async () => {
    for (const socket of silent) socket.destroy()
  })
}
