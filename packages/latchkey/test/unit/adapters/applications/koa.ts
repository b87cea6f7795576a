import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import type Koa from 'koa'
import type { Middleware } from 'koa'
import {
  answerRefusals,
  optionalAuthOf,
  requireAuth,
  requireClaim,
  requireRole,
  requireScope,
  sameOrigin,
} from '../../../../src/adapters/koa/index.js'
import { claim, listen, replaceHeaders, type Start, scopes, sources, trusted } from './application.js'

const answer: Middleware = (ctx) => {
  ctx.body = { subject: optionalAuthOf(ctx.state)?.subject ?? null }
}

const parseForm: Middleware = async (ctx, next) => {
  const body = await text(ctx.req)
  if (ctx.is('urlencoded')) Object.assign(ctx.request, { body: Object.fromEntries(new URLSearchParams(body)) })
  return next()
}

/** Returns the start of an application of one version of Koa. */
export function startKoa(framework: typeof Koa): Start {
  return async (latchkey) => {
    const app = new framework()
    app.silent = true
    app.use(answerRefusals())
    app.use(parseForm)
    app.use((ctx, next) => {
      replaceHeaders(ctx.headers)
      return next()
    })
    const at = (path: string, ...steps: readonly unknown[]) => {
      for (const step of steps as Middleware[]) {
        app.use((ctx, next) => (ctx.path === path ? step(ctx, next) : next()))
      }
    }
    at('/header', requireAuth(latchkey), answer)
    at('/everywhere', requireAuth(latchkey, { ...sources, body: true }), answer)
    at('/optional', requireAuth(latchkey, { ...sources, body: true, optional: true }), answer)
    at('/trusted', requireAuth(latchkey, { ...sources, csrf: sameOrigin({ trusted }) }), answer)
    at('/unchecked', requireAuth(latchkey, { ...sources, csrf: false }), answer)
    at('/scoped', requireAuth(latchkey), requireScope(...scopes), answer)
    at('/role', requireAuth(latchkey), requireRole('editor'), answer)
    at('/claim', requireAuth(latchkey), requireClaim(...claim), answer)
    at('/optional-role', requireAuth(latchkey, { optional: true }), requireRole('editor'), answer)
    at('/unguarded-role', requireRole('editor'), answer)
    at('/unguarded-claim', requireClaim('plan'), answer)
    at('/unguarded', requireScope(...scopes), answer)
    at('/throws', requireAuth(latchkey), () => {
      throw new Error('a mistake of the handler')
    })
    return listen(createServer(app.callback()))
  }
}
