import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { type Auth, createLatchkey, Keyring, LatchkeyError, tenantSecrets } from 'latchkey'
import { authOf, requireAuth } from 'latchkey/express'
import { memoryStore } from 'latchkey/memory'
import { addRoute } from './plugin.cjs'

const keys = tenantSecrets({ store: memoryStore(), masterKeys: Keyring.generate('test') })
const latchkey = createLatchkey({ issuer: 'https://issuer.test', audience: 'api', keys })
const app = express()
addRoute(app, latchkey)
let seen: Auth | undefined
app.get('/watched', requireAuth(latchkey), (req, res) => {
  seen = authOf(req)
  res.json({ id: req.auth.subject })
})
const server = app.listen(0, '127.0.0.1')
await once(server, 'listening')
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
const read = async (path: string, headers: Record<string, string>) => {
  const response = await fetch(url + path, { headers })
  const { id, code } = (await response.json()) as { id?: string; code?: string }
  return [response.status, id ?? code]
}

const got: unknown[] = [await read('/me', {})]
const { token } = await latchkey.issue({ subject: 'ada' })
const headers = { authorization: `Bearer ${token}` }
got.push(await read('/me', headers))
await read('/watched', headers)
const ended = new Promise<LatchkeyError>((resolve) => {
  if (seen !== undefined) latchkey.watch(seen, resolve)
})
await keys.revoke('ada')
got.push(await read('/me', headers))
got.push([(await ended).code === 'token_revoked', (await ended) instanceof LatchkeyError])
console.log(JSON.stringify(got))
server.close()
server.closeAllConnections()
await latchkey.close()
