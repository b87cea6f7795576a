import type { DatabaseSync } from '@photostructure/sqlite'
import type { SqlStore } from 'latchkey/sql'
import { hasWalResetFault } from 'latchkey/sqlite'
import { StartupFailure } from '../startup-failure.js'

/** Node.js says of its own SQLite before this version that it may still change. */
const firstMajorWithSqlite = 24

/**
 * Returns the class that opens an SQLite file: that of `node:sqlite` where this Node.js has it with a
 * sound version of SQLite, else that of `@photostructure/sqlite`, which has the same API.
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

/** Throws `sqlite_faulty` when this version can lose committed writes, which revocations are among. */
export async function checkSqlite(store: SqlStore): Promise<void> {
  const version = await readSqliteVersion(store)
  if (!hasWalResetFault(version)) return
  throw new StartupFailure(
    'sqlite_faulty',
    `SQLite ${version} can lose committed changes when two processes write at the same instant.`,
    'Use Node.js 24.21 or newer, whose own SQLite has the fix, or install this release anew with its dependencies.',
  )
}
