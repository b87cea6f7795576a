/** After: a secret for each user. Tokens of before pass until LEGACY_UNTIL, and can be revoked. */

import { scryptSync, timingSafeEqual } from 'node:crypto'
import { DatabaseSync } from '@photostructure/sqlite'
import express from 'express'
import { createLatchkey, legacyTokens, tenantSecrets } from 'latchkey'
import { requireAuth, requireRole } from 'latchkey/express'
import { sqliteStore } from 'latchkey/sqlite'

const { DATABASE = 'app.db', JWT_SECRET, LATCHKEY_MASTER_KEYS, LEGACY_UNTIL = '', PORT = '3000' } = process.env

const database = new DatabaseSync(DATABASE)
const store = sqliteStore({ open: () => new DatabaseSync(DATABASE) })
await store.migrate()
const legacy = legacyTokens({ secret: JWT_SECRET, until: LEGACY_UNTIL, subject: 'userId' })
const keys = tenantSecrets({ store, masterKeys: LATCHKEY_MASTER_KEYS, legacy })
const latchkey = createLatchkey({ issuer: 'https://app.example.com', audience: 'app', keys })

// Once, at the switch: roles are stored with the users and no longer in their tokens.
for (const { id, role } of database.prepare('select id, role from users').all()) {
  await keys.provision(String(id))
  await keys.setGrants(String(id), { roles: [role] })
}

const app = express()
app.use(express.json())

app.post('/login', async (req, res) => {
  const { email, password } = req.body as { email: string; password: string }
  const user = database.prepare('select id, password from users where email = ?').get(email)
  if (user === undefined || !timingSafeEqual(scryptSync(password, email, 32), user.password)) {
    res.status(401).json({ error: 'invalid_credentials' })
    return
  }
  const { token } = await latchkey.issue({ subject: String(user.id), claims: { theme: 'dark' } })
  res.json({ token })
})

app.get('/me', requireAuth(latchkey), (req, res) => {
  res.json({ id: req.auth.subject, theme: req.auth.claims.theme })
})

app.get('/drafts', requireAuth(latchkey), requireRole('editor'), (_req, res) => {
  res.json({ drafts: [] })
})

app.post('/sign-out-everywhere', requireAuth(latchkey), async (req, res) => {
  await keys.revoke(req.auth.subject)
  res.status(204).end()
})

const server = app.listen(Number(PORT), '127.0.0.1', () => {
  const address = server.address()
  console.log(`up at http://127.0.0.1:${typeof address === 'object' ? address?.port : PORT}`)
})
