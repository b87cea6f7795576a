import jwt from '@fastify/jwt'
import fastify from 'fastify'

const app = fastify()
await app.register(jwt, { secret: process.env.JWT_SECRET, sign: { expiresIn: '15m' } })
app.post('/sign-in', async () => ({ token: app.jwt.sign({ sub: 'ada' }) }))
app.get('/me', { onRequest: (request) => request.jwtVerify() }, async ({ user }) => ({ id: user.sub }))
await app.listen({ port: Number(process.env.PORT) })
