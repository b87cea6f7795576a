import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import Database from 'libsql'
import mysql from 'mysql2/promise'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { embeddedBinaries } from '../../../../../test/support/postgres-binaries.js'
import { type MariadbServer, startMariadb } from '../../../../../test/support/start-mariadb.js'
import { type PostgresServer, startPostgres } from '../../../../../test/support/start-postgres.js'
import { createTestDatabase, type TestDatabase } from '../../../../../test/support/test-database.js'
import { memoryStore } from '../../../src/stores/memory/index.js'
import { mysqlStore } from '../../../src/stores/mysql/index.js'
import { postgresStore } from '../../../src/stores/postgres/index.js'
import type { SqlStore } from '../../../src/stores/sql/index.js'
import { type SqliteHandle, sqliteStore } from '../../../src/stores/sqlite/index.js'
import {
  type ContractStore,
  type SessionContractStore,
  type StoreUnderTest,
  sessionContract,
  storeContract,
} from '../../../src/testing/store-contract.js'

type TestedStore = StoreUnderTest<ContractStore & SessionContractStore>

async function memory(): Promise<TestedStore> {
  const store = memoryStore()
  return { open: async () => store }
}

const sqlite = () => onSqlite((path) => new DatabaseSync(path))
const libsql = () => onSqlite((path) => new Database(path))

async function onSqlite(open: (path: string) => SqliteHandle): Promise<TestedStore> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-sqlite-'))
  return {
    open: async () => {
      const store = sqliteStore({ open: () => open(join(folder, 'latchkey.db')) })
      await store.migrate()
      return store
    },
    remove: async () => rmSync(folder, { recursive: true }),
  }
}

let database: TestDatabase
let newest: PostgresServer
let mariadbServer: MariadbServer
let mariadbUrl: string

beforeAll(async () => {
  database = await createTestDatabase()
  // The other tests run on the installed PostgreSQL, which is mostly older.
  newest = await startPostgres(embeddedBinaries)
  mariadbServer = await startMariadb()
  mariadbUrl = await mariadbServer.createDatabase()
})

afterAll(() => Promise.all([database.drop(), newest.dispose(), mariadbServer.dispose()]))

const postgres = () => onPostgres(database.url)
const newestPostgres = () => onPostgres(newest.url)

/** No statement may need the `search_path`. */
const postgresInSchema = () => {
  const url = new URL(database.url)
  url.searchParams.set('options', '-c search_path=nowhere')
  return onPostgres(url.href, 'latchkey_contract')
}

/** One database for all tests, emptied before each: creating one takes ten times as long. */
async function onPostgres(connectionString: string, schema?: string): Promise<TestedStore> {
  const open = async () => {
    const store = postgresStore({ connectionString, schema })
    await store.migrate()
    return store
  }
  const store = await open()
  const tables = emptied.map((name) => `${schema ?? 'public'}.latchkey_${name}`)
  await store.query(`truncate ${tables.join(', ')}`)
  await store.close()
  return { open }
}

/** The tables that hold state which a test may leave behind. */
const emptied = [
  'sessions',
  'ended_sessions',
  'secrets',
  'tenants',
  'changes',
  'settings',
  'key_pairs',
  'verifiers',
  'master_key_use',
]

const mariadb = () => onMariadb(() => ({ store: mysqlStore({ connectionString: mariadbUrl }), close: async () => {} }))

/** The tables are in another database than the one that the connections have selected. */
const mariadbInDatabase = () =>
  onMariadb(() => {
    const database = new URL(mariadbUrl).pathname.slice(1)
    return { store: mysqlStore({ connectionString: mariadbServer.url, database }), close: async () => {} }
  })

/** A pool of the caller whose sessions are as unsuitable as possible. */
const mariadbWithPool = () =>
  onMariadb(() => {
    const pool = mysql.createPool({ uri: mariadbUrl, charset: 'latin1', namedPlaceholders: true, rowsAsArray: true })
    pool.pool.on('connection', (connection) => {
      connection.query("set sql_mode = 'ANSI,NO_BACKSLASH_ESCAPES', time_zone = '+09:30'")
      connection.query('set session transaction isolation level repeatable read')
    })
    return { store: mysqlStore({ pool }), close: () => pool.end() }
  })

async function onMariadb(
  create: () => { readonly store: SqlStore<'mysql'>; readonly close: () => Promise<void> },
): Promise<TestedStore> {
  const closing: (() => Promise<void>)[] = []
  const open = async () => {
    const { store, close } = create()
    closing.push(close)
    await store.migrate()
    return store
  }
  const store = mysqlStore({ connectionString: mariadbUrl })
  await store.migrate()
  for (const name of emptied) await store.query(`delete from latchkey_${name}`)
  await store.close()
  const remove = async () => {
    for (const close of closing) await close()
  }
  return { open, remove }
}

const stores = {
  memory,
  sqlite,
  libsql,
  postgres,
  'newest postgres': newestPostgres,
  'postgres with a schema': postgresInSchema,
  mariadb,
  'mariadb with a database': mariadbInDatabase,
  'mariadb with the pool of the caller': mariadbWithPool,
}

for (const [name, create] of Object.entries(stores)) {
  describe(`the ${name} store`, () => {
    for (const { name, run } of storeContract(create)) it(name, run)
    for (const { name, run } of sessionContract(create)) it(name, run)
  })
}
