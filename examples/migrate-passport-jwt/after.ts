/** After: requireAuth in the place of passport. The tokens of before pass until LEGACY_UNTIL. */

import { scryptSync, timingSafeEqual } from 'node:crypto'
import { DatabaseSync } from '@photostructure/sqlite'
import express from 'express'
import { createLatchkey, legacyTokens, tenantSecrets } from 'latchkey'
import { requireAuth } from 'latchkey/express'
import { sqliteStore } from 'latchkey/sqlite'

const { DATABASE = 'app.db', JWT_SECRET, LATCHKEY_MASTER_KEYS, LEGACY_UNTIL = '', PORT = '3000' } = process.env

const database = new DatabaseSync(DATABASE)
const store = sqliteStore({ open: () => new DatabaseSync(DATABASE) })
await store.migrate()
const legacy = legacyTokens({ secret: JWT_SECRET, until: LEGACY_UNTIL, issuer: 'app' })
const keys = tenantSecrets({ store, masterKeys: LATCHKEY_MASTER_KEYS, legacy })
const latchkey = createLatchkey({ issuer: 'https://app.example.com', audience: 'app', keys })
const guard = requireAuth(latchkey)

const app = express()
app.use(express.json())

app.post('/login', async (req, res) => {
  const { email, password } = req.body as { email: string; password: string }
  const user = database.prepare('select id, password from users where email = ?').get(email)
  if (user === undefined || !timingSafeEqual(scryptSync(password, email, 32), user.password)) {
    res.status(401).json({ error: 'invalid_credentials' })
    return
  }
  res.json({ token: (await latchkey.issue({ subject: user.id })).token })
})

app.get('/me', guard, (req, res) => {
  res.json(database.prepare('select id, email from users where id = ?').get(req.auth.subject))
})

app.post('/sign-out-everywhere', guard, async (req, res) => {
  await keys.revoke(req.auth.subject)
  res.status(204).end()
})

const server = app.listen(Number(PORT), '127.0.0.1', () => {
  const address = server.address()
  console.log(`up at http://127.0.0.1:${typeof address === 'object' ? address?.port : PORT}`)
})
