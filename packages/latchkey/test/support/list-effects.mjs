/**
 * Prints as JSON which effects the library has while its entries are loaded, while its objects are
 * created, and at their first use. Runtimes such as Cloudflare Workers forbid these effects outside
 * of a request. Only calls of the library's own code are counted.
 *
 * Usage: `node list-effects.mjs <"import" or "require"> <subpath ...>`
 */
import { createRequire, syncBuiltinESMExports } from 'node:module'

const [how, ...subpaths] = process.argv.slice(2)
const require = createRequire(import.meta.url)
const { Socket } = require('node:net')
const realProcess = process
let found = new Set()

const watched = [
  [globalThis, ['setTimeout', 'setInterval', 'setImmediate', 'fetch', 'WebSocket']],
  [Object.getPrototypeOf(globalThis.crypto), ['getRandomValues', 'randomUUID']],
  [Math, ['random']],
  [Socket.prototype, ['connect']],
  [require('node:timers'), ['setTimeout', 'setInterval', 'setImmediate']],
  [require('node:timers/promises'), ['setTimeout', 'setInterval', 'setImmediate']],
  ...['node:fs', 'node:fs/promises', 'node:dns', 'node:net', 'node:child_process'].map((name) => [
    require(name),
    Object.keys(require(name)).filter((member) => /^[a-z]/.test(member)),
  ]),
  [
    require('node:crypto'),
    Object.keys(require('node:crypto')).filter((member) => /^(random|generate|getRandom)/.test(member)),
  ],
]
for (const [owner, names] of watched) for (const name of names) watch(owner, name)
Object.defineProperty(globalThis, 'process', {
  configurable: true,
  get() {
    record('process')
    return realProcess
  },
})
syncBuiltinESMExports()

const load = async (name) => (how === 'import' ? import(name) : require(name))
const atLoad = await effectsOf(async () => {
  for (const subpath of subpaths) await load(subpath)
})

const library = await load('latchkey')
const { memoryStore } = await load('latchkey/memory')
const masterKeys = `test:${Buffer.alloc(32, 7).toString('base64url')}`
const secrets = [Buffer.alloc(32, 7)]
const { createPrivateKey, generateKeyPairSync } = require('node:crypto')
const ec = { namedCurve: 'P-256', privateKeyEncoding: { type: 'pkcs8', format: 'pem' } }
// Parsed again: see generate-pair.ts.
const privateKey = createPrivateKey(generateKeyPairSync('ec', ec).privateKey)
const common = { issuer: 'https://issuer.test', audience: 'test' }
let latchkey
const atCreation = await effectsOf(async () => {
  const store = memoryStore()
  const keys = library.tenantSecrets({ store, masterKeys })
  latchkey = library.createLatchkey({ ...common, keys, sessionIds: library.sessionIds(secrets[0]) })
  library.createLatchkey({ ...common, keys: library.sharedSecret({ secrets }) })
  library.createLatchkey({ ...common, keys: library.keyPair({ keys: [{ kid: 'one', alg: 'ES256', privateKey }] }) })
  library.createLatchkey({ ...common, keys: library.keyPair({ store, masterKeys }) })
  library.createLatchkey({ ...common, keys: library.remoteJwks('https://issuer.test/jwks.json') })
  const { introspection } = await load('latchkey/introspection')
  const asked = introspection({ url: 'https://issuer.test/introspect', clientId: 'api', clientSecret: 'secret' })
  library.createLatchkey({ ...common, keys: asked })
  const postgres = await load('latchkey/postgres')
  const mysql = await load('latchkey/mysql')
  const sqlite = await load('latchkey/sqlite')
  const redis = await load('latchkey/redis')
  const cache = redis.redisCache({ client: { isCluster: false } })
  const stores = [
    postgres.postgresStore({ connectionString: 'postgres://localhost/none' }),
    mysql.mysqlStore({ connectionString: 'mysql://localhost/none' }),
    sqlite.sqliteStore({ open: () => undefined }),
  ]
  for (const store of stores) library.tenantSecrets({ store, masterKeys, cache })
  for (const subpath of subpaths) {
    const { requireAuth } = await load(subpath)
    // Those of servers without a router also take the handler that they guard.
    const isWrapper = subpath === 'latchkey/node' || subpath === 'latchkey/fetch'
    if (isWrapper) requireAuth(latchkey, () => {})
    else requireAuth?.(latchkey)
  }
})
const atUse = await effectsOf(async () => {
  await latchkey.issue({ subject: 'ada' })
})
await latchkey.close()
console.log(JSON.stringify({ atLoad, atCreation, atUse }))

async function effectsOf(work) {
  found = new Set()
  await work()
  return [...found].sort()
}

function watch(owner, name) {
  const original = owner[name]
  const isFixed = Object.getOwnPropertyDescriptor(owner, name)?.configurable === false
  if (typeof original !== 'function' || isFixed) return
  const watching = new Proxy(original, {
    apply(target, receiver, args) {
      record(name)
      return Reflect.apply(target, receiver, args)
    },
    construct(target, args, newTarget) {
      record(name)
      return Reflect.construct(target, args, newTarget)
    },
  })
  Object.defineProperty(owner, name, { configurable: true, writable: true, value: watching })
}

/** Records an effect if the code that calls is in a bundle of the library. */
function record(name) {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 10
  const { stack = '' } = new Error()
  Error.stackTraceLimit = limit
  const caller = stack.split('\n').find((line) => /^\s+at /.test(line) && !line.includes('list-effects.mjs'))
  if (caller?.includes('/packages/latchkey/bundle/')) found.add(name)
}
