import Hapi from '@hapi/hapi'
import { authOf, plugin } from 'latchkey/hapi'
import { outcomeOf, servedAt } from '../served.js'

export const peer = '@hapi/hapi'
export const outcome = () =>
  outcomeOf(async (latchkey) => {
    const server = Hapi.server({ port: 0, host: '127.0.0.1' })
    await server.register(plugin)
    server.auth.strategy('token', 'latchkey', { latchkey })
    server.auth.default('token')
    server.route({ method: 'GET', path: '/me', handler: (request) => ({ id: authOf(request).subject }) })
    await server.start()
    return servedAt(server.listener as import('node:http').Server, '/me', () => server.stop())
  })
