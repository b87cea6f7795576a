import fastify from 'fastify'

const app = fastify()
app.post('/sign-in', async () => ({ token: '' }))
app.get('/me', async () => ({ id: 'guest' }))
await app.listen({ port: Number(process.env.PORT) })
