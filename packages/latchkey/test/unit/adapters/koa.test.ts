import { createServer, type IncomingMessage } from 'node:http'
import Koa from 'koa'
import Koa2 from 'koa2'
import { describe, expect, it, onTestFinished } from 'vitest'
import { answerRefusals, requireAuth, requireScope } from '../../../src/adapters/koa/index.js'
import { refusal } from '../../../src/errors.js'
import { setUp } from '../../support/setup.js'
import { listen } from './applications/application.js'
import { call } from './call.js'

const { latchkey } = setUp()
const away = {
  verify: () => {
    throw refusal('store_unavailable', { cause: new Error('password of the database: hunter2') })
  },
}

async function start(app: Koa): Promise<number> {
  const application = await listen(createServer(app.callback()))
  onTestFinished(() => application.close())
  return application.port
}

describe.each([
  ['Koa 3', Koa],
  ['Koa 2', Koa2],
])('a refusal in %s', (_, Framework) => {
  it('is an error that Koa itself responds to, with status, challenge and message', async () => {
    const app = new Framework()
    const logged: unknown[] = []
    app.silent = true
    app.on('error', (error) => logged.push(error.code))
    app.use((ctx, next) => (ctx.path === '/away' ? requireAuth(away)(ctx as never, next) : next()))
    app.use(requireAuth(latchkey)).use(requireScope('a'))
    const port = await start(app)
    expect(await call(port, {})).toMatchObject({
      status: 401,
      challenge: 'Bearer',
      text: 'The request contains no access token.',
    })
    const { token } = await latchkey.issue({ subject: 'ada' })
    const unfit = await call(port, { headers: ['Authorization', `Bearer ${token}`] })
    expect(unfit).toMatchObject({ status: 403, challenge: expect.stringContaining('scope="a"') })
    const unavailable = await call(port, { path: '/away', headers: ['Authorization', 'Bearer a.b.c'] })
    expect(unavailable).toMatchObject({ status: 503, retryAfter: '1', text: 'Service Unavailable' })
    expect(logged).toEqual(['credentials_missing', 'insufficient_scope', 'store_unavailable'])
  })

  it('reaches an error handler of the application', async () => {
    const app = new Framework()
    app.use(async (ctx, next) => {
      try {
        await next()
      } catch (error) {
        ctx.status = 418
        ctx.body = { mine: (error as { code: string }).code }
      }
    })
    app.use(requireAuth(latchkey))
    expect(await call(await start(app), {})).toMatchObject({ status: 418, text: '{"mine":"credentials_missing"}' })
  })

  it('is thrown for the upgrade request of a WebSocket, which has no response object', async () => {
    const app = new Framework()
    const seen: string[] = []
    const onRefusal = ({ code }: { readonly code: string }) => void seen.push(code)
    for (const options of [{}, { onRefusal }]) {
      const ctx = app.createContext({ headers: {}, url: '/' } as IncomingMessage, undefined as never)
      const next = () => Promise.reject(new Error('passed'))
      await expect(requireAuth(latchkey, options)(ctx as never, next)).rejects.toMatchObject({
        code: 'credentials_missing',
      })
    }
    expect(seen).toEqual(['credentials_missing'])
  })

  it('becomes a problem document by answerRefusals, which emits only failures of the server', async () => {
    const app = new Framework()
    const emitted: unknown[] = []
    app.on('error', (error) => emitted.push(error.code))
    app.use(answerRefusals())
    app.use((ctx, next) => requireAuth(ctx.path === '/away' ? away : latchkey)(ctx as never, next))
    const port = await start(app)
    expect(JSON.parse((await call(port, {})).text)).toMatchObject({ status: 401, code: 'credentials_missing' })
    const unavailable = await call(port, { path: '/away', headers: ['Authorization', 'Bearer a.b.c'] })
    expect(JSON.parse(unavailable.text)).toMatchObject({ status: 503, code: 'store_unavailable' })
    expect(unavailable.text).not.toContain('hunter2')
    expect(emitted).toEqual(['store_unavailable'])
  })
})
