import Router from '@koa/router'
import Koa from 'koa'
import { createLatchkey, Keyring, tenantSecrets } from 'latchkey'
import { requireAuth } from 'latchkey/koa'
import { memoryStore } from 'latchkey/memory'

const keys = tenantSecrets({ store: memoryStore(), masterKeys: Keyring.generate('dev') })
const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
const router = new Router()
router.post('/sign-in', async (ctx) => {
  ctx.body = await latchkey.issue({ subject: 'ada' })
})
router.get('/me', requireAuth(latchkey), (ctx) => {
  ctx.body = { id: ctx.state.auth.subject }
})
new Koa().use(router.routes()).listen(process.env.PORT)
