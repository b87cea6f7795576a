/**
 * Latchkey's server with the password hash stubbed. The factory takes the hasher as a part; no
 * setting of the product does.
 */
import { createServer, readConfiguration } from '@latchkey/server'
import { stubbedCompare, stubbedHash } from './stubbed-hash.js'

const server = await createServer(readConfiguration(process.env), {
  passwords: {
    hash: stubbedHash,
    compare: async (password, hashed) => ({ matches: await stubbedCompare(password, hashed), rehash: false }),
    isOutdated: () => false,
  },
})
process.once('SIGTERM', () => void server.close().then(() => process.exit()))
await server.listen()
