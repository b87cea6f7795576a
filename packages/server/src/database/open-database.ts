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
import { checkSqlite, loadSqlite } from './sqlite-driver.js'

/** An open database with the schema of this version, and its master keys. */
export interface OpenDatabase {
  readonly store: SqlStore
  readonly masterKeys: string
  /** The location of the data, for messages. */
  readonly place: string
  /** The location of the master keys, for messages. */
  readonly masterKeyPlace: string
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
    return { store, masterKeys, place, masterKeyPlace: keys.place }
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
