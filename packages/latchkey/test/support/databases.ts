import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import type { MariadbServer } from '../../../../test/support/start-mariadb.js'
import { createTestDatabase } from '../../../../test/support/test-database.js'
import { mysqlStore } from '../../src/stores/mysql/index.js'
import { postgresStore } from '../../src/stores/postgres/index.js'
import type { SqlDialect, SqlStore } from '../../src/stores/sql/index.js'
import { sqliteStore } from '../../src/stores/sqlite/index.js'
import type { CleanUps } from './clean-ups.js'

/** An empty database, and stores over it as several processes would open them. */
export interface EmptyDatabase<Store extends SqlStore<SqlDialect> = SqlStore> {
  /** Opens a store that is not migrated. */
  open(): Store
  /** Closes every store opened here and removes the data. */
  remove(): Promise<void>
}

export async function emptySqlite(): Promise<EmptyDatabase & { readonly folder: string; readonly path: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-sqlite-'))
  const path = join(folder, 'latchkey.db')
  const opened = rememberStores(() => sqliteStore({ open: () => new DatabaseSync(path) }))
  const remove = async () => {
    await opened.close()
    rmSync(folder, { recursive: true })
  }
  return { open: opened.open, remove, folder, path }
}

export async function emptyPostgres(): Promise<EmptyDatabase & { readonly url: string }> {
  const { url, drop } = await createTestDatabase()
  const opened = rememberStores(() => postgresStore({ connectionString: url }))
  const remove = async () => {
    await opened.close()
    await drop()
  }
  return { open: opened.open, remove, url }
}

/** Returns an empty database of the server. */
export async function emptyMariadb(
  server: MariadbServer,
): Promise<EmptyDatabase<SqlStore<'mysql'>> & { readonly url: string }> {
  const url = await server.createDatabase()
  const opened = rememberStores(() => mysqlStore({ connectionString: url }))
  const remove = async () => {
    await opened.close()
    await server.run(`drop database ${new URL(url).pathname.slice(1)}`)
  }
  return { open: opened.open, remove, url }
}

/** Returns a database with the tables of the library. `cleanUps` removes it after the test. */
export async function migratedDatabase<Database extends EmptyDatabase<SqlStore<SqlDialect>>>(
  cleanUps: CleanUps,
  create: () => Promise<Database>,
): Promise<Database> {
  const database = await create()
  cleanUps.push(() => database.remove())
  await database.open().migrate()
  return database
}

function rememberStores<Store extends SqlStore<SqlDialect>>(
  create: () => Store,
): { open(): Store; close(): Promise<void> } {
  const stores: Store[] = []
  const open = () => {
    const store = create()
    stores.push(store)
    return store
  }
  const close = async () => {
    await Promise.all(stores.map((store) => store.close()))
  }
  return { open, close }
}
