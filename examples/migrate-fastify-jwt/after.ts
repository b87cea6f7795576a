/** After: a secret for each user. Tokens of before pass until LEGACY_UNTIL, and can be revoked. */

import { scryptSync, timingSafeEqual } from 'node:crypto'
import { DatabaseSync } from '@photostructure/sqlite'
import fastify from 'fastify'
import { createLatchkey, legacyTokens, tenantSecrets } from 'latchkey'
import { requireAuth } from 'latchkey/fastify'
import { sqliteStore } from 'latchkey/sqlite'

const { DATABASE = 'app.db', JWT_SECRET, LATCHKEY_MASTER_KEYS, LEGACY_UNTIL = '', PORT = '3000' } = process.env

/** The claims that the application signs, before and after. */
interface UserClaims {
  readonly user: { readonly id: string; readonly theme: string }
}

const database = new DatabaseSync(DATABASE)
const store = sqliteStore({ open: () => new DatabaseSync(DATABASE) })
await store.migrate()
const subject = (payload: object) => (payload as UserClaims).user.id
const legacy = legacyTokens({ secret: JWT_SECRET, until: LEGACY_UNTIL, subject })
const keys = tenantSecrets({ store, masterKeys: LATCHKEY_MASTER_KEYS, legacy })
const latchkey = createLatchkey({ issuer: 'https://app.example.com', audience: 'app', keys })

const app = fastify()
const onRequest = requireAuth(latchkey)

app.post<{ Body: { email: string; password: string } }>('/login', async ({ body }, reply) => {
  const user = database.prepare('select id, password from users where email = ?').get(body.email)
  if (user === undefined || !timingSafeEqual(scryptSync(body.password, body.email, 32), user.password)) {
    return reply.code(401).send({ error: 'invalid_credentials' })
  }
  const claims: UserClaims = { user: { id: user.id, theme: 'dark' } }
  return { token: (await latchkey.issue({ subject: user.id, claims })).token }
})

app.get('/me', { onRequest }, async ({ auth }) => {
  const { user } = auth.claims as unknown as UserClaims
  return { id: auth.subject, theme: user.theme }
})

app.post('/sign-out-everywhere', { onRequest }, async ({ auth }, reply) => {
  await keys.revoke(auth.subject)
  return reply.code(204).send()
})

console.log(`up at ${await app.listen({ host: '127.0.0.1', port: Number(PORT) })}`)
