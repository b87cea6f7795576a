import { createServer } from 'node:http'
import { authOf, guardUpgrades } from 'latchkey/ws'
import { WebSocket, WebSocketServer } from 'ws'
import { headersWith, outcomeOf, portOf, served } from '../served.js'

export const peer = 'ws'
export const outcome = () =>
  outcomeOf(async (latchkey) => {
    const sockets = new WebSocketServer({ noServer: true })
    sockets.on('connection', (socket, request) => socket.close(4000, authOf(request).subject))
    const server = createServer().on('upgrade', guardUpgrades(latchkey, sockets))
    const { close } = await served(server)
    return {
      ask: (token) =>
        new Promise((resolve) => {
          const client = new WebSocket(`ws://127.0.0.1:${portOf(server)}`, { headers: headersWith(token) })
          client.on('error', () => {})
          client.on('unexpected-response', (_request, { statusCode }) => resolve(statusCode))
          client.on('close', (_code, reason) => resolve(String(reason)))
        }),
      close,
    }
  })
