import { LatchkeyError } from '../../errors.js'
import { isError } from '../../is-error.js'
import { codeOf } from '../sql/result-code.js'
import { type PreparedStatement, preparedStatement } from './prepared-statement.js'
import type { SqliteHandle } from './sqlite-handle.js'

/** The most prepared statements per connection; a program has about as many texts. */
const maxStatements = 256

/** One open handle with its prepared statements. Synchronous, as SQLite is. */
export class SqliteConnection {
  readonly #handle: SqliteHandle
  readonly #statements = new Map<string, PreparedStatement>()

  constructor(handle: SqliteHandle) {
    this.#handle = handle
  }

  /**
   * Runs one statement and returns its rows. Throws the result of `failureOf` for the driver's
   * error.
   */
  run<Row extends object>(text: string, values: readonly unknown[] = []): Row[] {
    try {
      return this.#prepare(text)(values) as Row[]
    } catch (error) {
      throw failureOf(error)
    }
  }

  /** Runs several statements, separated by `;`. */
  script(text: string): void {
    // Drivers treat an empty script in different ways.
    if (text.trim() === '') return
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

  #prepare(text: string): PreparedStatement {
    const known = this.#statements.get(text)
    if (known !== undefined) return known
    const prepared = preparedStatement(this.#handle.prepare(text))
    const [oldest] = this.#statements.keys()
    if (oldest !== undefined && this.#statements.size >= maxStatements) this.#statements.delete(oldest)
    this.#statements.set(text, prepared)
    return prepared
  }
}

/** Returns a LatchkeyError if the state of the database is the cause, else the driver's error. */
export function failureOf(error: unknown): unknown {
  const code = codeOf(error)
  if (code === 'SQLITE_CORRUPT' || code === 'SQLITE_NOTADB') return new LatchkeyError('data_corrupt', { cause: error })
  if (isLocked.test(code)) return new LatchkeyError('store_busy', { cause: error })
  // SQLite has no result code for a missing table.
  if (isError(error) && error.message.includes('no such table')) {
    return new LatchkeyError('schema_missing', { cause: error })
  }
  if (isUnreachable.test(code)) return new LatchkeyError('store_unavailable', { cause: error })
  return error
}

/** Another connection is writing. */
const isLocked = /^SQLITE_(BUSY|LOCKED)/

/** Result codes (extended ones too) for which the file or the disk is the cause. */
const isUnreachable = /^SQLITE_(IOERR|FULL|CANTOPEN|READONLY|PERM|AUTH|NOMEM|PROTOCOL|INTERRUPT|SCHEMA)/
