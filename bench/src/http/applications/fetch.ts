import { serve } from '@hono/node-server'
import { requireAuth } from 'latchkey/fetch'
import type { Route } from '../messages.js'
import { type Parts, routesAt } from './application.js'

type Handler = (request: Request) => Response | Promise<Response>

/** Starts handlers of Web requests, on Node.js by the bridge that Hono uses as well. */
export async function startFetch({ latchkey, nextSubject }: Parts): Promise<readonly Route[]> {
  const open: Handler = () => Response.json({ id: nextSubject() })
  const handlers: readonly Handler[] = [
    open,
    async (request) => open(request),
    requireAuth(latchkey, (_request, auth) => Response.json({ id: auth.subject })),
  ]
  const ports = handlers.map(
    (handler) =>
      new Promise<number>((resolve) => {
        serve({ fetch: (request) => handler(request), port: 0, hostname: '127.0.0.1' }, ({ port }) => resolve(port))
      }),
  )
  return routesAt(await Promise.all(ports))
}
