/**
 * better-auth with a pool of `pg`, in Node's own HTTP server, which costs less than a framework.
 *
 * Everything is its default besides the rate limits and telemetry, which are off. It has no refresh
 * token: a session is extended when it is used and was extended more than a day ago. The second
 * handler extends it each time, so that this work can be measured.
 */
import { createServer } from 'node:http'
import { type BetterAuthOptions, betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import { toNodeHandler } from 'better-auth/node'
import pg from 'pg'
import { peerEnvironment, poolSize } from './settings.js'
import { stubbedCompare, stubbedHash } from './stubbed-hash.js'

const { PORT, DATABASE_URL, SECRET, HASH } = peerEnvironment()
const stub = {
  hash: stubbedHash,
  verify: ({ hash, password }: { readonly hash: string; readonly password: string }) => stubbedCompare(password, hash),
}
const options = {
  database: new pg.Pool({ connectionString: DATABASE_URL, max: poolSize }),
  secret: SECRET,
  baseURL: `http://127.0.0.1:${PORT}`,
  emailAndPassword: { enabled: true, ...(HASH === 'stubbed' ? { password: stub } : {}) },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
} satisfies BetterAuthOptions
const { runMigrations } = await getMigrations(options)
await runMigrations()
const handle = toNodeHandler(betterAuth(options))
const handleDue = toNodeHandler(betterAuth({ ...options, basePath: '/api/due', session: { updateAge: 0 } }))

const server = createServer((request, response) => {
  void (request.url?.startsWith('/api/due/') === true ? handleDue : handle)(request, response)
})
server.listen(Number(PORT), '127.0.0.1')
