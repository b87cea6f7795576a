import { createServer } from 'node:http'
import Koa, { type Middleware } from 'koa'
import { requireAuth } from 'latchkey/koa'
import type { Route } from '../messages.js'
import { type Parts, routesAt } from './application.js'
import { listen } from './listen.js'

/** Starts the applications with Koa. */
export async function startKoa({ latchkey, nextSubject }: Parts): Promise<readonly Route[]> {
  const answer: Middleware = (ctx) => {
    ctx.body = { id: nextSubject() }
  }
  const applications = [
    new Koa().use(answer),
    new Koa().use((_ctx, next) => next()).use(answer),
    new Koa().use(requireAuth(latchkey)).use((ctx) => {
      ctx.body = { id: ctx.state.auth.subject }
    }),
  ]
  for (const app of applications) app.silent = true
  return routesAt(await Promise.all(applications.map((app) => listen(createServer(app.callback())))))
}
