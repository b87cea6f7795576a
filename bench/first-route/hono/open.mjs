import { serve } from '@hono/node-server'
import { Hono } from 'hono'

const app = new Hono()
app.post('/sign-in', (c) => c.json({ token: '' }))
app.get('/me', (c) => c.json({ id: 'guest' }))
serve({ fetch: app.fetch, port: Number(process.env.PORT) })
