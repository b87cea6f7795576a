/** Before: @fastify/jwt, which signs and verifies by fast-jwt with one secret. */

import { scryptSync, timingSafeEqual } from 'node:crypto'
import fastifyJwt from '@fastify/jwt'
import { DatabaseSync } from '@photostructure/sqlite'
import fastify, { type FastifyRequest } from 'fastify'

const { DATABASE = 'app.db', JWT_SECRET = '', PORT = '3000' } = process.env

const database = new DatabaseSync(DATABASE)
database.exec('create table if not exists users (id text primary key, email text unique, password blob)')
const addUser = database.prepare('insert or ignore into users values (?, ?, ?)')
addUser.run('user-1', 'ada@example.com', scryptSync('correct horse', 'ada@example.com', 32))

const app = fastify()
await app.register(fastifyJwt, { secret: JWT_SECRET })
const onRequest = async (request: FastifyRequest) => request.jwtVerify()

app.post<{ Body: { email: string; password: string } }>('/login', async ({ body }, reply) => {
  const user = database.prepare('select id, password from users where email = ?').get(body.email)
  if (user === undefined || !timingSafeEqual(scryptSync(body.password, body.email, 32), user.password)) {
    return reply.code(401).send({ error: 'invalid_credentials' })
  }
  return { token: app.jwt.sign({ user: { id: user.id, theme: 'dark' } }, { expiresIn: '7d' }) }
})

app.get('/me', { onRequest }, async (request) => {
  const { user } = request.user as { user: { id: string; theme: string } }
  return { id: user.id, theme: user.theme }
})

console.log(`up at ${await app.listen({ host: '127.0.0.1', port: Number(PORT) })}`)
