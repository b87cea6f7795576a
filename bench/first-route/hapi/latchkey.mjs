import Hapi from '@hapi/hapi'
import { createLatchkey, Keyring, tenantSecrets } from 'latchkey'
import { authOf, plugin } from 'latchkey/hapi'
import { memoryStore } from 'latchkey/memory'

const keys = tenantSecrets({ store: memoryStore(), masterKeys: Keyring.generate('dev') })
const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
const signIn = () => latchkey.issue({ subject: 'ada' })
const me = (request) => ({ id: authOf(request).subject })
const server = Hapi.server({ port: process.env.PORT })
await server.register(plugin)
server.auth.strategy('token', 'latchkey', { latchkey })
server.route({ method: 'POST', path: '/sign-in', handler: signIn })
server.route({ method: 'GET', path: '/me', handler: me, options: { auth: 'token' } })
await server.start()
