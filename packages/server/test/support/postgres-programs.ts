import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { installedBinaries } from '../../../../test/support/postgres-binaries.js'

/**
 * Runs a client program of PostgreSQL, such as `pg_dump`: the one beside the programs of the
 * server, or else the one in the PATH.
 */
export async function runPostgresProgram(name: string, args: readonly string[]): Promise<void> {
  const beside = join(installedBinaries() ?? '', name)
  await promisify(execFile)(existsSync(beside) ? beside : name, args)
}
