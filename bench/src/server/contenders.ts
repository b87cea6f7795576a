import { Keyring } from 'latchkey'
import { betterAuthProtocol, latchkeyProtocol, type Protocol, tutorialProtocol } from './protocols.js'
import type { Launch } from './served-process.js'
import { accessTokenTtlSec, type Hash } from './settings.js'

/** Where a contender keeps its data. */
export interface Place {
  readonly databaseUrl: string
  /** A folder for an embedded database. */
  readonly folder: string
}

/** A kind of server under test. */
export interface Contender {
  readonly name: string
  readonly protocol: Protocol
  /** The packages that it is installed with. */
  readonly packages: readonly string[]
  /** Whether its data is in PostgreSQL, where statements are counted. */
  readonly onPostgres: boolean
  readonly launch: (hash: Hash, place: Place) => Launch
}

export const tutorialName = 'the tutorial'
export const latchkeyName = 'Latchkey, PostgreSQL'

const unlimited = '1000000000/60'
const limitsAboveTheLoad = {
  LATCHKEY_LIMIT_LOGIN: `address:${unlimited},pair:${unlimited}`,
  LATCHKEY_LIMIT_REGISTER: `address:${unlimited}`,
  LATCHKEY_LIMIT_REFRESH: `address:${unlimited},pair:${unlimited}`,
  LATCHKEY_LIMIT_GENERAL: `address:${unlimited},account:${unlimited}`,
}
const latchkeySettings = {
  LATCHKEY_ISSUER: 'http://localhost',
  LATCHKEY_ACCESS_TOKEN_TTL: String(accessTokenTtlSec),
  // A sign-in above the limit ends the session of a visitor that is measured later.
  LATCHKEY_MAX_SESSIONS: '10000',
  TRUSTED_PROXIES: '127.0.0.1',
  LOG_LEVEL: 'warn',
}
const latchkeyCommand = new URL('../../../../../packages/server/bin/latchkey.js', import.meta.url)
const latchkeyPackages = ['@latchkey/server']

export const contenders: readonly Contender[] = [
  {
    name: 'better-auth',
    protocol: betterAuthProtocol,
    packages: ['better-auth', 'pg'],
    onPostgres: true,
    launch: peer('./better-auth-server.js', betterAuthProtocol),
  },
  {
    name: tutorialName,
    protocol: tutorialProtocol,
    packages: ['express', 'jsonwebtoken', '@node-rs/argon2', 'pg'],
    onPostgres: true,
    launch: peer('./tutorial-server.js', tutorialProtocol),
  },
  {
    name: latchkeyName,
    protocol: latchkeyProtocol,
    packages: latchkeyPackages,
    onPostgres: true,
    launch: (hash, { databaseUrl }) => latchkey(hash, { DATABASE_URL: databaseUrl, ...limitsAboveTheLoad }),
  },
  {
    name: 'Latchkey, PostgreSQL, limits as shipped',
    protocol: latchkeyProtocol,
    packages: latchkeyPackages,
    onPostgres: true,
    launch: (hash, { databaseUrl }) => latchkey(hash, { DATABASE_URL: databaseUrl }),
  },
  {
    name: 'Latchkey, embedded',
    protocol: latchkeyProtocol,
    packages: latchkeyPackages,
    onPostgres: false,
    launch: (hash, { folder }) => latchkey(hash, { LATCHKEY_DATA_DIR: folder, ...limitsAboveTheLoad }),
  },
]

function peer(program: string, { readyPath }: Protocol): Contender['launch'] {
  const SECRET = crypto.randomUUID() + crypto.randomUUID()
  return (HASH, { databaseUrl: DATABASE_URL }) => ({
    program: new URL(program, import.meta.url),
    env: { DATABASE_URL, SECRET, HASH },
    readyPath,
  })
}

function latchkey(hash: Hash, settings: Readonly<Record<string, string>>): Launch {
  const env = { ...latchkeySettings, LATCHKEY_MASTER_KEYS: Keyring.generate('bench'), ...settings }
  const { readyPath } = latchkeyProtocol
  if (hash === 'real') return { program: latchkeyCommand, args: ['serve'], env, readyPath }
  return { program: new URL('./latchkey-server.js', import.meta.url), env, readyPath }
}
