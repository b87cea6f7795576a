import Hapi, { type Lifecycle, type Server } from '@hapi/hapi'
import { authOf, plugin } from 'latchkey/hapi'
import type { Route } from '../messages.js'
import { type Parts, path, portOf, routesAt } from './application.js'

/** Starts the applications with hapi, whose guards are authentication schemes. */
export async function startHapi({ latchkey, nextSubject }: Parts): Promise<readonly Route[]> {
  const open = () => ({ id: nextSubject() })
  const guarded: Lifecycle.Method = (request) => ({ id: authOf(request).subject })
  const ports = [
    serve(open),
    serve(open, async (server) => {
      const credentials = { user: {} }
      server.auth.scheme('empty', () => ({ authenticate: (_request, h) => h.authenticated({ credentials }) }))
      server.auth.strategy('token', 'empty')
    }),
    serve(guarded, async (server) => {
      await server.register(plugin)
      server.auth.strategy('token', 'latchkey', { latchkey })
    }),
  ]
  return routesAt(await Promise.all(ports))
}

async function serve(handler: Lifecycle.Method, addStrategy?: (server: Server) => Promise<void>): Promise<number> {
  const server = Hapi.server({ port: 0, host: '127.0.0.1', debug: false })
  await addStrategy?.(server)
  server.route({ method: 'GET', path, options: addStrategy === undefined ? {} : { auth: 'token' }, handler })
  await server.start()
  return portOf(server.listener.address())
}
