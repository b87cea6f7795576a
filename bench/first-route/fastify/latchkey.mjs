import fastify from 'fastify'
import { createLatchkey, Keyring, tenantSecrets } from 'latchkey'
import { requireAuth } from 'latchkey/fastify'
import { memoryStore } from 'latchkey/memory'

const keys = tenantSecrets({ store: memoryStore(), masterKeys: Keyring.generate('dev') })
const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
const app = fastify()
app.post('/sign-in', () => latchkey.issue({ subject: 'ada' }))
app.get('/me', { onRequest: requireAuth(latchkey) }, async ({ auth }) => ({ id: auth.subject }))
await app.listen({ port: Number(process.env.PORT) })
