/** Before: express-session, whose sessions are rows that every request reads from PostgreSQL. */

import { scryptSync, timingSafeEqual } from 'node:crypto'
import connectPgSimple from 'connect-pg-simple'
import express from 'express'
import session from 'express-session'
import pg from 'pg'

declare module 'express-session' {
  interface SessionData {
    userId: string
  }
}

const { DATABASE_URL, SESSION_SECRET = '', PORT = '3000' } = process.env

const pool = new pg.Pool({ connectionString: DATABASE_URL })
await pool.query('create table if not exists users (id text primary key, email text unique, password bytea)')
const password = scryptSync('correct horse', 'ada@example.com', 32)
const addUser = 'insert into users values ($1, $2, $3) on conflict do nothing'
await pool.query(addUser, ['user-1', 'ada@example.com', password])

const app = express()
app.use(express.json())
const store = new (connectPgSimple(session))({ pool, createTableIfMissing: true })
const cookie = { maxAge: 7 * 24 * 60 * 60 * 1000 }
app.use(session({ store, secret: SESSION_SECRET, resave: false, saveUninitialized: false, cookie }))

app.post('/login', async (req, res) => {
  const { email, password } = req.body as { email: string; password: string }
  const [user] = (await pool.query('select id, password from users where email = $1', [email])).rows
  if (user === undefined || !timingSafeEqual(scryptSync(password, email, 32), user.password)) {
    res.status(401).json({ error: 'invalid_credentials' })
    return
  }
  req.session.userId = user.id
  res.status(204).end()
})

app.get('/me', (req, res) => {
  const { userId } = req.session
  if (userId === undefined) res.status(401).json({ error: 'sign_in' })
  else res.json({ id: userId })
})

const server = app.listen(Number(PORT), '127.0.0.1', () => {
  const address = server.address()
  console.log(`up at http://127.0.0.1:${typeof address === 'object' ? address?.port : PORT}`)
})
