import type { DatabaseSync } from '@photostructure/sqlite'
import type { SqlStore } from 'latchkey/sql'
import { hasWalResetFault } from 'latchkey/sqlite'
import { StartupFailure } from '../startup-failure.js'

/** Before this version, the documentation of Node.js says that `node:sqlite` may change. */
const firstMajorWithSqlite = 24

/**
 * Returns the class that opens an SQLite file: `node:sqlite` if this Node.js has it with a sound
 * version of SQLite, else `@photostructure/sqlite`, which has the same API.
 */
export async function loadSqlite(): Promise<typeof DatabaseSync> {
  const { node, sqlite = '' } = process.versions
  if (Number.parseInt(node, 10) >= firstMajorWithSqlite && !hasWalResetFault(sqlite)) {
    const builtIn = process.getBuiltinModule('node:sqlite') as { DatabaseSync: typeof DatabaseSync } | undefined
    if (builtIn !== undefined) return builtIn.DatabaseSync
  }
  return (await import('@photostructure/sqlite')).DatabaseSync
}

/** Returns the version of SQLite behind an embedded database. */
export async function readSqliteVersion(store: SqlStore): Promise<string> {
  const { rows } = await store.query<{ version: string }>('select sqlite_version() as version')
  return rows[0]?.version ?? ''
}

/**
 * Throws `sqlite_faulty` if this version of SQLite can lose committed writes, such as revocations.
 */
export async function checkSqlite(store: SqlStore): Promise<void> {
  const version = await readSqliteVersion(store)
  if (!hasWalResetFault(version)) return
  throw new StartupFailure(
    'sqlite_faulty',
    `SQLite ${version} can lose committed changes when two processes write at the same instant.`,
    'Use Node.js 24.21 or newer, whose SQLite has the fix, or reinstall this release with its dependencies.',
  )
}
