import { createServer } from 'node:http'
import { initTRPC } from '@trpc/server'
import { createHTTPHandler } from '@trpc/server/adapters/standalone'
import { authProcedure, createAuthContext } from 'latchkey/trpc'
import type { Route } from '../messages.js'
import { type Parts, routesAt } from './application.js'
import { listen } from './listen.js'

/** Starts the applications with the standalone server of tRPC, whose guards are procedures. */
export async function startTrpc({ latchkey, nextSubject }: Parts): Promise<readonly Route[]> {
  const createContext = createAuthContext(latchkey)
  const t = initTRPC.context<typeof createContext>().create()
  const routers = [
    t.router({ me: t.procedure.query(() => ({ id: nextSubject() })) }),
    t.router({ me: t.procedure.use(({ next }) => next()).query(() => ({ id: nextSubject() })) }),
    t.router({ me: t.procedure.concat(authProcedure()).query(({ ctx }) => ({ id: ctx.auth.subject })) }),
  ]
  const ports = routers.map((router) => listen(createServer(createHTTPHandler({ router, createContext }))))
  return routesAt(await Promise.all(ports))
}
