import Router from '@koa/router'
import Koa from 'koa'

const router = new Router()
router.post('/sign-in', async (ctx) => {
  ctx.body = { token: '' }
})
router.get('/me', (ctx) => {
  ctx.body = { id: 'guest' }
})
new Koa().use(router.routes()).listen(process.env.PORT)
