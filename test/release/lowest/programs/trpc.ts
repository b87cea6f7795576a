import { createServer } from 'node:http'
import { initTRPC } from '@trpc/server'
import { createHTTPHandler } from '@trpc/server/adapters/standalone'
import { authProcedure, createAuthContext, refusalMeta, requireRole } from 'latchkey/trpc'
import { outcomeOf, served } from '../served.js'

export const peer = '@trpc/server'
export const outcome = () =>
  outcomeOf((latchkey) => {
    const createContext = createAuthContext(latchkey)
    const t = initTRPC.context<typeof createContext>().create()
    const authed = t.procedure.concat(authProcedure())
    const editors = t.procedure.concat(authProcedure(requireRole('editor')))
    const router = t.router({
      me: authed.query(({ ctx }) => {
        const id: string = ctx.auth.subject
        return id
      }),
      drafts: editors.query(({ ctx }) => ctx.auth.subject),
    })
    return served(createServer(createHTTPHandler({ router, createContext, responseMeta: refusalMeta })))
  })
