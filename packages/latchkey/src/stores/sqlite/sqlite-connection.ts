import { LatchkeyError } from '../../errors.js'
import { codeOf } from '../sql/sql-client.js'
import type { SqliteHandle, SqliteStatement, SqliteValue } from './sqlite-handle.js'

/** Prepared statements kept per connection; a program has about as many texts. */
const maxStatements = 256

interface Prepared {
  readonly statement: SqliteStatement
  readonly givesRows: boolean
}

/** One open handle with its prepared statements. Synchronous, as SQLite is. */
export class SqliteConnection {
  readonly #handle: SqliteHandle
  readonly #statements = new Map<string, Prepared>()

  constructor(handle: SqliteHandle) {
    this.#handle = handle
  }

  /** Runs one statement and gives its rows. Throws what `failureOf` makes of the driver's error. */
  run<Row extends object>(text: string, values: readonly unknown[] = []): Row[] {
    const bound = bind(values)
    try {
      const { statement, givesRows } = this.#prepare(text)
      if (givesRows) return statement.all(bound) as Row[]
      statement.run(bound)
      return []
    } catch (error) {
      throw failureOf(error)
    }
  }

  /** Runs several statements, separated by `;`. */
  script(text: string): void {
    try {
      this.#handle.exec(text)
    } catch (error) {
      throw failureOf(error)
    }
  }

  close(): void {
    this.#statements.clear()
    this.#handle.close()
  }

  #prepare(text: string): Prepared {
    const known = this.#statements.get(text)
    if (known !== undefined) return known
    const statement = this.#handle.prepare(text)
    const prepared = { statement, givesRows: statement.reader !== false }
    const [oldest] = this.#statements.keys()
    if (oldest !== undefined && this.#statements.size >= maxStatements) this.#statements.delete(oldest)
    this.#statements.set(text, prepared)
    return prepared
  }
}

/** What a call fails with: our code where the database is the trouble, the driver's error where the statement is. */
export function failureOf(error: unknown): unknown {
  const code = codeOf(error)
  if (code === 'SQLITE_CORRUPT' || code === 'SQLITE_NOTADB') return new LatchkeyError('data_corrupt', { cause: error })
  if (isUnreachable.test(code)) return new LatchkeyError('store_unavailable', { cause: error })
  return error
}

/** Result codes (extended ones too) that say the file, the disk or its lock is the trouble. */
const isUnreachable = /^SQLITE_(BUSY|LOCKED|IOERR|FULL|CANTOPEN|READONLY|PERM|AUTH|NOMEM|PROTOCOL|INTERRUPT|SCHEMA)/

/** libsql aborts the process when it is given a type it does not know, so none gets that far. */
function bind(values: readonly unknown[]): Readonly<Record<string, SqliteValue>> {
  const bound: Record<string, SqliteValue> = {}
  for (const [index, value] of values.entries()) bound[index + 1] = sqliteValue(value, index + 1)
  return bound
}

function sqliteValue(value: unknown, position: number): SqliteValue {
  if (typeof value === 'string' || typeof value === 'bigint' || value === null) return value
  if (typeof value === 'number' && Number.isFinite(value)) return value
  if (value instanceof Uint8Array) return value
  if (value === undefined) return null
  throw new TypeError(`The value of $${position} is not text, a finite number, null or bytes.`)
}
