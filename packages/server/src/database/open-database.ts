import { isLatchkeyError } from 'latchkey'
import type { SqlStore } from 'latchkey/sql'
import type { DatabaseConfiguration } from '../config/configuration.js'
import { currentOf } from '../config/setting-files.js'
import { StartupFailure } from '../startup-failure.js'
import { connectionRemedy } from './connection-remedy.js'
import { openDataFolder } from './data-folder.js'
import { checkRights, rightsMissing } from './database-rights.js'
import { fileKeys } from './master-keys/file-keys.js'
import { givenKeys } from './master-keys/given-keys.js'
import type { MasterKeyProvider } from './master-keys/master-key-provider.js'
import { serverMigrations } from './migrations.js'
import { buildPostgresIndexes, buildSmallIndexes, missingIndexes } from './postgres-indexes.js'
import { checkSqlite, loadSqlite } from './sqlite-driver.js'
import { createSqliteSearch, fillSqliteSearch } from './sqlite-search.js'

/** An open database with the schema of this version, and its master keys. */
export interface OpenDatabase {
  readonly store: SqlStore
  readonly masterKeys: string
  /** The location of the data, for messages. */
  readonly place: string
  /** The location of the master keys, for messages. */
  readonly masterKeyPlace: string
  /**
   * Builds the indexes that large tables still lack, beside readers and writers; a build of
   * PostgreSQL continues after `signal` aborts. Returns the names of indexes that another process
   * is building.
   *
   * @throws the error of `pg`: 42501 if the role may not create indexes
   */
  buildIndexes(signal: AbortSignal): Promise<readonly string[]>
}

/** A store that is not migrated yet, and the provider of its master keys. */
export interface UnopenedDatabase {
  readonly store: SqlStore
  readonly place: string
  readonly keys: MasterKeyProvider
}

/**
 * Opens the database and migrates it to this version. Throws the codes of StartupFailure,
 * `schema_too_new`, `data_corrupt`.
 */
export async function openDatabase(configuration: DatabaseConfiguration): Promise<OpenDatabase> {
  const { store, place, keys } = await openStore(configuration)
  try {
    // Before the database is created, because a folder without a key must not get one.
    const masterKeys = await keys.read()
    if (store.dialect === 'sqlite') await checkSqlite(store)
    await migrate(store, place)
    await checkRights(store, place)
    await (store.dialect === 'sqlite' ? createSqliteSearch(store) : buildSmallIndexes(store))
    const buildIndexes = (signal: AbortSignal) => buildLargeIndexes(store, configuration, signal)
    return { store, masterKeys, place, masterKeyPlace: keys.place, buildIndexes }
  } catch (error) {
    await store.close()
    throw asDatabaseFailure(place, error)
  }
}

/**
 * Opens the store without reading or changing the database. The caller closes the store. Only the
 * driver of the configured database is loaded.
 */
export async function openStore(configuration: DatabaseConfiguration): Promise<UnopenedDatabase> {
  return configuration.kind === 'postgres' ? postgres(configuration) : embedded(configuration)
}

async function buildLargeIndexes(
  store: SqlStore,
  configuration: DatabaseConfiguration,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (configuration.kind === 'embedded') {
    await fillSqliteSearch(store, signal)
    return []
  }
  if ((await missingIndexes(store)).length === 0) return []
  const { default: pg } = await import('pg')
  // A build takes longer than the store lets a statement take.
  const connectionString = currentOf(configuration.listenUrl ?? configuration.url)
  const client = new pg.Client({ connectionString, keepAlive: true, fallback_application_name: 'latchkey_indexes' })
  client.on('error', () => {})
  const stop = () => void client.end()
  signal.addEventListener('abort', stop, { once: true })
  try {
    await client.connect()
    return await buildPostgresIndexes(client)
  } finally {
    signal.removeEventListener('abort', stop)
    await client.end()
  }
}

async function migrate(store: SqlStore, place: string): Promise<void> {
  try {
    await store.migrate(serverMigrations)
  } catch (error) {
    if (!(isLatchkeyError(error) && error.code === 'store_rights_missing')) throw error
    const what = 'The tables are of another version, and the role may not change them.'
    throw await rightsMissing(store, { what, place, cause: error })
  }
}

const unusable: readonly string[] = ['store_unavailable', 'store_busy']

/**
 * Returns StartupFailure `database_unavailable` for an unavailable store, else the error itself.
 */
export function asDatabaseFailure(place: string, error: unknown): unknown {
  if (!(isLatchkeyError(error) && unusable.includes(error.code))) return error
  const message = `The database ${place} cannot be used.`
  return new StartupFailure('database_unavailable', message, connectionRemedy(error), error)
}

async function postgres({
  url: connectionString,
  listenUrl: listenConnectionString,
  masterKeys,
}: DatabaseConfiguration & { kind: 'postgres' }): Promise<UnopenedDatabase> {
  const { postgresStore } = await import('latchkey/postgres')
  const { host, pathname } = new URL(currentOf(connectionString))
  const store = postgresStore({ connectionString, listenConnectionString })
  return { store, place: `PostgreSQL ${host}${pathname}`, keys: givenKeys(masterKeys) }
}

async function embedded({
  folder: path,
  masterKeys,
}: DatabaseConfiguration & { kind: 'embedded' }): Promise<UnopenedDatabase> {
  const [{ sqliteStore }, DatabaseSync] = await Promise.all([import('latchkey/sqlite'), loadSqlite()])
  const folder = openDataFolder(path)
  const { databasePath } = folder
  const store = sqliteStore({ open: () => new DatabaseSync(databasePath) })
  return { store, place: databasePath, keys: masterKeys === undefined ? fileKeys(folder) : givenKeys(masterKeys) }
}
