/**
 * Another service, without a secret. The auth service (`npm start` at the root) signs, and this one
 * verifies with its JWKS. A user exchanges the access token of a login for one with the audience of
 * this service: POST /oauth/token (RFC 8693).
 */
import express from 'express'
import { createLatchkey, remoteJwks } from 'latchkey'
import { requireAuth } from 'latchkey/express'

const { AUTH_SERVICE = 'http://localhost:3000', ISSUER = AUTH_SERVICE, PORT = '3003' } = process.env

const latchkey = createLatchkey({
  issuer: ISSUER,
  audience: 'services',
  keys: remoteJwks(`${AUTH_SERVICE}/.well-known/jwks.json`),
})

const app = express()

app.get('/reports', requireAuth(latchkey), (req, res) => {
  res.json({ reports: [`A report for ${req.auth.subject}`] })
})

const server = app.listen(Number(PORT), '127.0.0.1', () => {
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : PORT
  console.log(`The reports service is up at http://127.0.0.1:${port}`)
})
