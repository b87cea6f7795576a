import { clearTimeout, setTimeout } from '../../timers.js'
import { failureOf } from './mysql-failure.js'
import type { Mysql2Connection, Mysql2Statement } from './mysql2.js'
import { bindStatement } from './statement-text.js'

/** The timeout of one statement: a half-open connection must not block its caller for ever. */
export const statementTimeoutMs = 5000

/**
 * Options of each statement, so that those of a caller's connection do not change its rows. A
 * bigint is a number below 2^53 and a text above.
 */
const plainRows = {
  namedPlaceholders: false,
  nestTables: false,
  rowsAsArray: false,
  typeCast: true,
  supportBigNumbers: true,
} as const

/**
 * Runs one statement with `$1`, `$2`, … for the values. Returns its rows, or none if it has no
 * result. Throws the result of `failureOf` for the driver's error.
 *
 * Values are always sent apart from the text, as those of a prepared statement. Written into it, as
 * `query` of `mysql2` does, they could escape from their quotes in a session with the mode
 * `NO_BACKSLASH_ESCAPES`.
 */
export async function runStatement<Row extends object>(
  connection: Mysql2Connection,
  text: string,
  {
    values = [],
    timeoutMs = statementTimeoutMs,
  }: { readonly values?: readonly unknown[]; readonly timeoutMs?: number } = {},
): Promise<{ rows: Row[] }> {
  const { sql, values: bound } = bindStatement(text, values)
  const statement = { ...plainRows, sql, values: bound.map(encoded) as never[] }
  try {
    const result = await answerOf(connection, statement, timeoutMs)
    return { rows: Array.isArray(result) ? (result as Row[]) : [] }
  } catch (error) {
    throw failureOf(error)
  }
}

/** `mysql2` sends only a Buffer as bytes. */
function encoded(value: unknown): unknown {
  if (!(value instanceof Uint8Array) || Buffer.isBuffer(value)) return value
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
}

function answerOf(connection: Mysql2Connection, statement: Mysql2Statement, timeoutMs: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const timer = Number.isFinite(timeoutMs)
      ? setTimeout(() => reject(new Error(`The server did not answer within ${timeoutMs} ms.`)), timeoutMs)
      : undefined
    const answered = (error: Error | null, result: unknown) => {
      clearTimeout(timer)
      if (error === null) resolve(result)
      else reject(error)
    }
    try {
      // Some statements cannot be prepared; one without values need not be.
      if (statement.values.length === 0) connection.query(statement, answered)
      else connection.execute(statement, answered)
    } catch (error) {
      clearTimeout(timer)
      reject(error)
    }
  })
}
