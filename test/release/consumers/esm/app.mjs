import { once } from 'node:events'
import express from 'express'
import { createLatchkey, isLatchkeyError, Keyring, LatchkeyError, tenantSecrets } from 'latchkey'
import { requireAuth } from 'latchkey/express'
import { memoryStore } from 'latchkey/memory'

/** Serves a guarded route, sends requests to it, and returns what they got. */
export async function guardedRoute() {
  const keys = tenantSecrets({ store: memoryStore(), masterKeys: Keyring.generate('test') })
  const latchkey = createLatchkey({ issuer: 'https://issuer.test', audience: 'api', keys })
  const app = express()
  app.get('/me', requireAuth(latchkey), (req, res) => res.json({ id: req.auth.subject }))
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${server.address().port}/me`
  const read = async (headers) => {
    const response = await fetch(url, { headers })
    const { id, code } = await response.json()
    return [response.status, id ?? code]
  }

  const got = [await read({})]
  const { token } = await latchkey.issue({ subject: 'ada' })
  got.push(await read({ authorization: `Bearer ${token}` }))
  await keys.revoke('ada')
  got.push(await read({ authorization: `Bearer ${token}` }))
  try {
    await latchkey.verify(token)
  } catch (error) {
    got.push([isLatchkeyError(error), error instanceof LatchkeyError])
  }
  server.close()
  server.closeAllConnections()
  await latchkey.close()
  return got
}
