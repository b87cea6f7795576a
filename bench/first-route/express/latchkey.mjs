import express from 'express'
import { createLatchkey, Keyring, tenantSecrets } from 'latchkey'
import { requireAuth } from 'latchkey/express'
import { memoryStore } from 'latchkey/memory'

const keys = tenantSecrets({ store: memoryStore(), masterKeys: Keyring.generate('dev') })
const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
const app = express()
app.post('/sign-in', async (_req, res) => res.json(await latchkey.issue({ subject: 'ada' })))
app.get('/me', requireAuth(latchkey), (req, res) => res.json({ id: req.auth.subject }))
app.listen(process.env.PORT)
