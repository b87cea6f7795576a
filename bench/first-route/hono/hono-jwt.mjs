import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { jwt, sign } from 'hono/jwt'

const secret = process.env.JWT_SECRET
const inFifteenMinutes = () => Math.floor(Date.now() / 1000) + 900
const app = new Hono()
app.post('/sign-in', async (c) => c.json({ token: await sign({ sub: 'ada', exp: inFifteenMinutes() }, secret) }))
app.get('/me', jwt({ secret, alg: 'HS256' }), (c) => c.json({ id: c.get('jwtPayload').sub }))
serve({ fetch: app.fetch, port: Number(process.env.PORT) })
