import Router from '@koa/router'
import jwt from 'jsonwebtoken'
import Koa from 'koa'
import koaJwt from 'koa-jwt'

const secret = process.env.JWT_SECRET
const router = new Router()
router.post('/sign-in', async (ctx) => {
  ctx.body = { token: jwt.sign({ sub: 'ada' }, secret, { expiresIn: '15m' }) }
})
router.get('/me', koaJwt({ secret }), (ctx) => {
  ctx.body = { id: ctx.state.user.sub }
})
new Koa().use(router.routes()).listen(process.env.PORT)
