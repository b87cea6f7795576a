import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Keyring } from 'latchkey'
import { createTestDatabase } from '../../../../test/support/test-database.js'
import { type Configuration, type DatabaseConfiguration, readConfiguration } from '../../src/config/configuration.js'
import { createServer, type Server } from '../../src/server.js'
import type { ServiceParts } from '../../src/service.js'
import { ApiClient } from './api-client.js'
import { cheapPasswords } from './cheap-passwords.js'
import { createShiftingClock, type ShiftingClock } from './shifting-clock.js'

/** Every test of a database runs on both. */
export const databases = ['sqlite', 'postgres'] as const

/** Limits that the tests of a whole file, all from one address, do not reach. */
const manyRequests = {
  LATCHKEY_LIMIT_LOGIN: 'address:100000/60,pair:100000/60',
  LATCHKEY_LIMIT_REGISTER: 'address:100000/60',
  LATCHKEY_LIMIT_REFRESH: 'address:100000/60,pair:100000/60',
  LATCHKEY_LIMIT_TOKEN: 'address:100000/60,pair:100000/60',
  LATCHKEY_LIMIT_INTROSPECTION: 'address:100000/60,pair:100000/60',
  LATCHKEY_LIMIT_RECOVERY: 'address:100000/60,pair:100000/60',
  LATCHKEY_LIMIT_ADMIN: 'address:100000/60,account:100000/60',
  LATCHKEY_LIMIT_GENERAL: 'address:100000/60,account:100000/60',
}

/** Long enough for shared limits on a slow machine, so that none is counted in memory. */
const patientMs = 60_000

/** A short interval, so that tests need not wait long for metrics of the database. */
const stateIntervalMs = 100

export interface StartOptions {
  readonly database: (typeof databases)[number]
  readonly configuration?: Partial<Configuration>
  readonly parts?: ServiceParts
}

/**
 * A server with a new database on a free port of loopback, and a client that checks every answer
 * against /openapi.json.
 */
export interface TestServer {
  readonly server: Server
  readonly url: string
  readonly api: ApiClient
  readonly clock: ShiftingClock
  readonly configuration: Configuration
  /**
   * Starts another server on the same database, with the same configuration except for `changes`.
   */
  startAnother(changes?: Omit<StartOptions, 'database'>): Promise<TestServer>
  /** Disconnects the running server from its database. */
  loseDatabase(): Promise<void>
  /** Ends the server and removes its database. */
  stop(): Promise<void>
}

/** Starts a server that hashes passwords at the lowest cost, unless `parts` has another hasher. */
export async function startServer(options: StartOptions): Promise<TestServer> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-server-'))
  const [database, removeDatabase] = options.database === 'sqlite' ? embedded(folder) : await postgres()
  let removed: Promise<void> | undefined
  const remove = () => {
    removed ??= removeDatabase().then(() => rm(folder, { recursive: true, force: true }))
    return removed
  }
  const common = { PORT: '0', LATCHKEY_ISSUER: 'http://issuer.test', LOG_LEVEL: 'silent' }
  // Administrators of most tests have no second factor.
  const admin = { LATCHKEY_ADMIN_SECOND_FACTOR: 'allow-without' }
  const defaults = readConfiguration({ ...common, ...admin, ...manyRequests })
  const { issuer = defaults.issuer } = options.configuration ?? {}
  const carrier = { kind: 'folder', folder: join(folder, 'mail') } as const
  const mail = { ...defaults.mail, linkBase: issuer, carrier }
  try {
    return await start({ ...defaults, database, mail, ...options.configuration }, options.parts ?? {}, remove)
  } catch (error) {
    await remove()
    throw error
  }
}

async function start(
  configuration: Configuration,
  parts: ServiceParts,
  remove: () => Promise<void>,
): Promise<TestServer> {
  const clock = createShiftingClock()
  const passwords = await cheapPasswords(configuration.passwordPeppers)
  const defaults = { clock, limitsTimeoutMs: patientMs, stateIntervalMs, passwords }
  const server = await createServer(configuration, { ...defaults, ...parts })
  const url = await server.listen()
  const api = await ApiClient.connect(url)
  const startAnother = (changes: Omit<StartOptions, 'database'> = {}) =>
    start({ ...configuration, ...changes.configuration }, { ...parts, ...changes.parts }, async () => {})
  const stop = async () => {
    await server.close()
    await remove()
  }
  const { kind } = configuration.database
  const loseDatabase = kind === 'postgres' ? remove : () => server.service.store.close()
  return { server, url, api, clock, configuration, startAnother, loseDatabase, stop }
}

function embedded(folder: string): [DatabaseConfiguration, () => Promise<void>] {
  return [{ kind: 'embedded', folder, masterKeys: undefined }, async () => {}]
}

async function postgres(): Promise<[DatabaseConfiguration, () => Promise<void>]> {
  const { url, drop } = await createTestDatabase()
  return [{ kind: 'postgres', url, masterKeys: Keyring.generate('test') }, drop]
}
