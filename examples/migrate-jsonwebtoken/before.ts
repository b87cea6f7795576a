/** Before: one secret signs for all users by jsonwebtoken, and no token can be revoked. */

import { scryptSync, timingSafeEqual } from 'node:crypto'
import { DatabaseSync } from '@photostructure/sqlite'
import express from 'express'
import { expressjwt, type Request } from 'express-jwt'
import jwt from 'jsonwebtoken'

const { DATABASE = 'app.db', JWT_SECRET = '', PORT = '3000' } = process.env

const database = new DatabaseSync(DATABASE)
database.exec('create table if not exists users (id integer primary key, email text unique, password blob, role text)')
const addUser = database.prepare('insert or ignore into users (email, password, role) values (?, ?, ?)')
addUser.run('ada@example.com', scryptSync('correct horse', 'ada@example.com', 32), 'editor')

const app = express()
app.use(express.json())

app.post('/login', (req, res) => {
  const { email, password } = req.body as { email: string; password: string }
  const user = database.prepare('select id, password, role from users where email = ?').get(email)
  if (user === undefined || !timingSafeEqual(scryptSync(password, email, 32), user.password)) {
    res.status(401).json({ error: 'invalid_credentials' })
    return
  }
  const token = jwt.sign({ userId: user.id, role: user.role, theme: 'dark' }, JWT_SECRET, { expiresIn: '7d' })
  res.json({ token })
})

app.use(expressjwt({ secret: JWT_SECRET, algorithms: ['HS256'] }))

app.get('/me', (req: Request, res) => {
  res.json({ id: String(req.auth?.userId), theme: req.auth?.theme })
})

app.get('/drafts', (req: Request, res) => {
  if (req.auth?.role !== 'editor') res.status(403).json({ error: 'forbidden' })
  else res.json({ drafts: [] })
})

const server = app.listen(Number(PORT), '127.0.0.1', () => {
  const address = server.address()
  console.log(`up at http://127.0.0.1:${typeof address === 'object' ? address?.port : PORT}`)
})
