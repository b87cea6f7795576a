import type { CopiedData } from './copy-data-file.js'
import { loadSqlite } from './sqlite-driver.js'

/**
 * A program that runs in a separate process, because SQLite blocks the event loop. It writes a
 * compact copy of a consistent snapshot of the data file `from`, while other processes may write to
 * it, checks the whole copy, and prints its content as JSON.
 */
const [from = '', to = ''] = process.argv.slice(2)

interface Named {
  readonly name: string
}

const DatabaseSync = await loadSqlite()
try {
  copy()
  process.stdout.write(JSON.stringify(readCopy()))
} catch (error) {
  process.stderr.write(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}

function copy(): void {
  const database = new DatabaseSync(from, { readOnly: true })
  try {
    database.exec('pragma busy_timeout = 5000')
    database.prepare('vacuum into ?').run(to)
  } finally {
    database.close()
  }
}

function readCopy(): CopiedData {
  const database = new DatabaseSync(to, { readOnly: true })
  const rows = <Row>(sql: string) => database.prepare(sql).all() as Row[]
  const count = (table: string) => rows<{ count: number }>(`select count(*) as count from ${table}`)[0]?.count ?? 0
  try {
    const [integrity] = rows<{ integrity_check: string }>('pragma integrity_check(1)')
    if (integrity?.integrity_check !== 'ok') throw new Error('The database disk image is malformed.')
    const masterKeys = rows<Named>(
      `select master_key_id as name from latchkey_secrets union select master_key_id from latchkey_settings
       union select master_key_id from latchkey_key_pairs
       union select grants_key_id from latchkey_tenants where grants_key_id is not null`,
    )
    return {
      accounts: count('server_accounts'),
      secrets: count('latchkey_secrets'),
      masterKeyIds: masterKeys.map(({ name }) => name),
    }
  } finally {
    database.close()
  }
}
