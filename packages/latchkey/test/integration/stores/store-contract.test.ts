import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import Database from 'libsql'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { embeddedBinaries } from '../../../../../test/support/postgres-binaries.js'
import { type PostgresServer, startPostgres } from '../../../../../test/support/start-postgres.js'
import { createTestDatabase, type TestDatabase } from '../../../../../test/support/test-database.js'
import { memoryStore } from '../../../src/stores/memory/index.js'
import { postgresStore } from '../../../src/stores/postgres/index.js'
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

beforeAll(async () => {
  database = await createTestDatabase()
  // The other tests run on the installed PostgreSQL, which is mostly older.
  newest = await startPostgres(embeddedBinaries)
})

afterAll(() => Promise.all([database.drop(), newest.dispose()]))

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
  const emptied = ['tenants', 'secrets', 'ended_sessions', 'changes', 'settings', 'key_pairs', 'verifiers', 'sessions']
  const tables = emptied.map((name) => `${schema ?? 'public'}.latchkey_${name}`)
  await store.query(`truncate ${tables.join(', ')}`)
  await store.close()
  return { open }
}

const stores = {
  memory,
  sqlite,
  libsql,
  postgres,
  'newest postgres': newestPostgres,
  'postgres with a schema': postgresInSchema,
}

for (const [name, create] of Object.entries(stores)) {
  describe(`the ${name} store`, () => {
    for (const { name, run } of storeContract(create)) it(name, run)
    for (const { name, run } of sessionContract(create)) it(name, run)
  })
}
