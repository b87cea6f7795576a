import { isLatchkeyError } from 'latchkey'
import { postgresStore } from 'latchkey/postgres'
import { type SqlStore, sqliteStore } from 'latchkey/sqlite'
import Database from 'libsql'
import type { DatabaseConfiguration } from '../config/configuration.js'
import { StartupFailure } from '../startup-failure.js'
import { openDataFolder } from './data-folder.js'
import { readMasterKeyFile } from './master-key-file.js'
import { serverMigrations } from './migrations.js'

/** An open database of this version, and the keys to what is sealed in it. */
export interface OpenDatabase {
  readonly store: SqlStore
  readonly masterKeys: string
  /** Where the data is, for people. */
  readonly place: string
  /** Where the master keys are, for people. */
  readonly masterKeyPlace: string
}

const fromEnvironment = 'LATCHKEY_MASTER_KEYS'

/** Opens the database and brings it up to this version. Fails with the codes of StartupFailure, `schema_too_new`, `data_corrupt`. */
export async function openDatabase(configuration: DatabaseConfiguration): Promise<OpenDatabase> {
  const opened = configuration.kind === 'postgres' ? openPostgres(configuration) : openEmbedded(configuration)
  try {
    await opened.store.migrate(serverMigrations)
    return opened
  } catch (error) {
    await opened.store.close()
    throw isLatchkeyError(error) && error.code === 'store_unavailable' ? unavailable(opened, error) : error
  }
}

function unavailable({ place }: OpenDatabase, cause: Error): StartupFailure {
  const hint = 'Check that it runs, that this machine may reach it, and that the address and the user are right.'
  return new StartupFailure('database_unavailable', `The database ${place} cannot be used.`, hint, cause)
}

function openPostgres({ url, masterKeys }: DatabaseConfiguration & { kind: 'postgres' }): OpenDatabase {
  const { host, pathname } = new URL(url)
  const store = postgresStore({ connectionString: url })
  return { store, masterKeys, place: `PostgreSQL ${host}${pathname}`, masterKeyPlace: fromEnvironment }
}

function openEmbedded({ folder, masterKeys }: DatabaseConfiguration & { kind: 'embedded' }): OpenDatabase {
  const { databasePath, masterKeyPath, ...found } = openDataFolder(folder)
  const store = sqliteStore({ open: () => new Database(databasePath) })
  if (masterKeys !== undefined) return { store, masterKeys, place: databasePath, masterKeyPlace: fromEnvironment }
  const keys = readMasterKeyFile({ databasePath, masterKeyPath, ...found })
  return { store, masterKeys: keys, place: databasePath, masterKeyPlace: masterKeyPath }
}
