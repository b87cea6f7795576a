/** After: a token in a cookie. A session of before becomes a token at its next request. */

import { scryptSync, timingSafeEqual } from 'node:crypto'
import connectPgSimple from 'connect-pg-simple'
import express, { type Request, type Response } from 'express'
import session from 'express-session'
import { createLatchkey, tenantSecrets } from 'latchkey'
import { requireAuth } from 'latchkey/express'
import { postgresStore } from 'latchkey/postgres'
import pg from 'pg'

const { DATABASE_URL, LATCHKEY_MASTER_KEYS, SESSION_SECRET = '', PORT = '3000' } = process.env

const pool = new pg.Pool({ connectionString: DATABASE_URL })
const store = postgresStore({ pool })
await store.migrate()
const keys = tenantSecrets({ store, masterKeys: LATCHKEY_MASTER_KEYS })
const latchkey = createLatchkey({ issuer: 'https://app.example.com', audience: 'app', keys, accessTokenTtl: 86_400 })
const cookie = { httpOnly: true, secure: true, sameSite: 'lax', maxAge: 86_400_000 } as const
const oldStore = new (connectPgSimple(session))({ pool, disableTouch: true })
const oldSession = session({ store: oldStore, secret: SESSION_SECRET, resave: false, saveUninitialized: false })

async function exchange(req: Request, res: Response): Promise<void> {
  const { userId } = req.session as { userId?: string }
  if (userId === undefined) return
  const { token } = await latchkey.issue({ subject: userId })
  // Read once more: a sign-out that was committed meanwhile has deleted it.
  const { rowCount } = await pool.query('select from session where sid = $1', [req.sessionID])
  if (rowCount === 0) return
  res.cookie('__Host-token', token, cookie)
  req.headers.cookie = `__Host-token=${token}`
}

const app = express()
app.use(express.json())
app.post('/login', async (req, res) => {
  const { email, password } = req.body as { email: string; password: string }
  const [user] = (await pool.query('select id, password from users where email = $1', [email])).rows
  const isRight = user !== undefined && timingSafeEqual(scryptSync(password, email, 32), user.password)
  if (isRight) res.cookie('__Host-token', (await latchkey.issue({ subject: user.id })).token, cookie)
  res.status(isRight ? 204 : 401).end()
})
app.use((req, res, next) => {
  if (req.headers.cookie?.includes('__Host-token=') === true) next()
  else oldSession(req, res, () => void exchange(req, res).then(() => next(), next))
})
const guard = requireAuth(latchkey, { cookie: '__Host-token' })
app.get('/me', guard, (req, res) => void res.json({ id: req.auth.subject }))
app.post('/sign-out-everywhere', guard, async (req, res) => {
  await store.transaction(async (client) => {
    await client.query(`delete from session where sess->>'userId' = $1`, [req.auth.subject])
    await keys.revoke(req.auth.subject, { client })
  })
  res.clearCookie('__Host-token', { secure: true }).status(204).end()
})

const server = app.listen(Number(PORT), '127.0.0.1', () => {
  const address = server.address()
  console.log(`up at http://127.0.0.1:${typeof address === 'object' ? address?.port : PORT}`)
})
