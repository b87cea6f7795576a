import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { createLatchkey, Keyring, tenantSecrets } from 'latchkey'
import { requireAuth } from 'latchkey/hono'
import { memoryStore } from 'latchkey/memory'

const keys = tenantSecrets({ store: memoryStore(), masterKeys: Keyring.generate('dev') })
const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
const app = new Hono()
app.post('/sign-in', async (c) => c.json(await latchkey.issue({ subject: 'ada' })))
app.get('/me', requireAuth(latchkey), (c) => c.json({ id: c.get('auth').subject }))
serve({ fetch: app.fetch, port: Number(process.env.PORT) })
