/** Before: passport-jwt verifies with one secret, and loads the user of the token. */

import { scryptSync, timingSafeEqual } from 'node:crypto'
import { DatabaseSync } from '@photostructure/sqlite'
import express from 'express'
import jwt from 'jsonwebtoken'
import passport from 'passport'
import { ExtractJwt, Strategy } from 'passport-jwt'

const { DATABASE = 'app.db', JWT_SECRET = '', PORT = '3000' } = process.env

const database = new DatabaseSync(DATABASE)
database.exec('create table if not exists users (id text primary key, email text unique, password blob)')
const addUser = database.prepare('insert or ignore into users values (?, ?, ?)')
addUser.run('user-1', 'ada@example.com', scryptSync('correct horse', 'ada@example.com', 32))

const jwtFromRequest = ExtractJwt.fromAuthHeaderAsBearerToken()
passport.use(
  new Strategy({ jwtFromRequest, secretOrKey: JWT_SECRET, issuer: 'app' }, (payload, done) => {
    const user = database.prepare('select id, email from users where id = ?').get(payload.sub)
    done(null, user ?? false)
  }),
)
const guard = passport.authenticate('jwt', { session: false })

const app = express()
app.use(express.json())

app.post('/login', (req, res) => {
  const { email, password } = req.body as { email: string; password: string }
  const user = database.prepare('select id, password from users where email = ?').get(email)
  if (user === undefined || !timingSafeEqual(scryptSync(password, email, 32), user.password)) {
    res.status(401).json({ error: 'invalid_credentials' })
    return
  }
  res.json({ token: jwt.sign({}, JWT_SECRET, { subject: user.id, issuer: 'app', expiresIn: '7d' }) })
})

app.get('/me', guard, (req, res) => {
  res.json(req.user)
})

const server = app.listen(Number(PORT), '127.0.0.1', () => {
  const address = server.address()
  console.log(`up at http://127.0.0.1:${typeof address === 'object' ? address?.port : PORT}`)
})
