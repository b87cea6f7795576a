import { createServer } from 'node:http'
import Koa from 'koa'
import { answerRefusals, requireAuth } from 'latchkey/koa'
import { outcomeOf, served } from '../served.js'

export const peer = 'koa'
export const outcome = () =>
  outcomeOf((latchkey) => {
    const app = new Koa()
    app
      .use(answerRefusals())
      .use(requireAuth(latchkey))
      .use((ctx) => {
        const id: string = ctx.state.auth.subject
        ctx.body = { id }
      })
    return served(createServer(app.callback()))
  })
