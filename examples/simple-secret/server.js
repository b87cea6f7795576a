/**
 * One shared secret: a login route that issues a token, and a protected route. To rotate the secret
 * without logging users out, restart with the new secret in JWT_SECRET and the old one in
 * JWT_PREVIOUS_SECRET.
 */
import { randomBytes } from 'node:crypto'
import express from 'express'
import { createLatchkey, sharedSecret } from 'latchkey'
import { requireAuth } from 'latchkey/express'
import { findUser } from './users.js'

const { JWT_SECRET = randomBytes(32).toString('base64url'), JWT_PREVIOUS_SECRET, PORT = '3001' } = process.env

const secrets = JWT_PREVIOUS_SECRET === undefined ? [JWT_SECRET] : [JWT_SECRET, JWT_PREVIOUS_SECRET]
const latchkey = createLatchkey({
  issuer: 'https://simple.example.com',
  audience: 'api',
  keys: sharedSecret({ secrets }),
})

const app = express()
app.use(express.json())

app.post('/login', async (req, res) => {
  const user = findUser(req.body?.email, req.body?.password)
  if (user === undefined) return res.status(401).json({ code: 'invalid_credentials' })
  const { token, expiresIn } = await latchkey.issue({ subject: user.id })
  res.json({ access_token: token, token_type: 'Bearer', expires_in: expiresIn })
})

app.get('/me', requireAuth(latchkey), (req, res) => {
  res.json({ id: req.auth.subject })
})

const server = app.listen(Number(PORT), '127.0.0.1', () => {
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : PORT
  console.log(`The simple-secret example is up at http://127.0.0.1:${port}`)
})
