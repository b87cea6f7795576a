/**
 * A secret per user: the login and the protected route of the simple example, with grants, streams
 * and revocation per user. The secrets are stored in SQLite; `postgresStore` is a drop-in
 * replacement.
 */

import { DatabaseSync } from '@photostructure/sqlite'
import express from 'express'
import { createLatchkey, Keyring, tenantSecrets } from 'latchkey'
import { requireAuth, requireRole } from 'latchkey/express'
import { sqliteStore } from 'latchkey/sqlite'
import { findUser } from './users.js'

const { DATABASE = 'example.db', LATCHKEY_MASTER_KEYS = Keyring.generate('example'), PORT = '3002' } = process.env

const store = sqliteStore({ open: () => new DatabaseSync(DATABASE) })
await store.migrate()
const keys = tenantSecrets({ store, masterKeys: LATCHKEY_MASTER_KEYS })
const latchkey = createLatchkey({ issuer: 'https://tenant.example.com', audience: 'api', keys })

const app = express()
app.use(express.json())

app.post('/login', async (req, res) => {
  const user = findUser(req.body?.email, req.body?.password)
  if (user === undefined) return res.status(401).json({ code: 'invalid_credentials' })
  const { token, expiresIn } = await latchkey.issue({ subject: user.id })
  // Applies to all tokens of the user. An application with a table of users does this where it
  // changes their roles.
  await keys.setGrants(user.id, { roles: user.roles })
  res.json({ access_token: token, token_type: 'Bearer', expires_in: expiresIn })
})

app.get('/me', requireAuth(latchkey), (req, res) => {
  res.json({ id: req.auth.subject })
})

// Grants are stored with the tenant and not in tokens: a change applies at once, on every device.
app.get('/audit', requireAuth(latchkey), requireRole('auditor'), (req, res) => {
  res.json({ seenBy: req.auth.subject, roles: req.auth.grants.roles })
})

app.post('/resign', requireAuth(latchkey), async (req, res) => {
  await keys.setGrants(req.auth.subject, null)
  res.status(204).end()
})

// A stream outlives the check of its request. It ends with the logout of this device or of all
// devices, and when the user's roles change, in whichever process that happens.
app.get('/events', requireAuth(latchkey), (req, res) => {
  res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  res.write(`event: welcome\ndata: ${req.auth.subject}\n\n`)
  const stopWatching = latchkey.watch(req.auth, (reason) => res.end(`event: end\ndata: ${reason.code}\n\n`))
  res.on('close', stopWatching)
})

// Logs out this device: the session of the token.
app.post('/logout', requireAuth(latchkey), async (req, res) => {
  const { subject, sessionId } = req.auth
  if (sessionId !== undefined) await keys.revokeSession(subject, sessionId)
  res.status(204).end()
})

// Logs out all devices of this user at once, in every process. Other users are not affected.
app.post('/logout-all', requireAuth(latchkey), async (req, res) => {
  await keys.revoke(req.auth.subject)
  res.status(204).end()
})

// Makes a new secret for this user. Earlier tokens stay valid until the grace period ends.
app.post('/rotate', requireAuth(latchkey), async (req, res) => {
  await keys.rotate(req.auth.subject)
  res.status(204).end()
})

const server = app.listen(Number(PORT), '127.0.0.1', () => {
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : PORT
  console.log(`The tenant-secret example is up at http://127.0.0.1:${port}`)
})
