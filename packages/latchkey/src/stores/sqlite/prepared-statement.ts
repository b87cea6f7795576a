import { types } from 'node:util'
import type { BetterSqlite3Statement, SqliteStatement, SqliteValue } from './sqlite-handle.js'

/** Runs one prepared statement with the values of `$1`, `$2`, … and returns its rows. */
export type PreparedStatement = (values: readonly unknown[]) => unknown[]

/** Returns the function that runs `statement`, which the driver has prepared. */
export function preparedStatement(statement: SqliteStatement | BetterSqlite3Statement): PreparedStatement {
  if (!('reader' in statement)) return (values) => statement.all(bind('$', values))
  if (statement.reader) return (values) => statement.all(bind('', values))
  return (values) => {
    statement.run(bind('', values))
    return []
  }
}

/** Drivers name the parameter `$1` with or without its `$`. */
function bind(prefix: '$' | '', values: readonly unknown[]): Readonly<Record<string, SqliteValue>> {
  const bound: Record<string, SqliteValue> = {}
  for (const [index, value] of values.entries()) bound[`${prefix}${index + 1}`] = sqliteValue(value, index + 1)
  return bound
}

/** Checked here because drivers differ for other types: libsql aborts the process. */
function sqliteValue(value: unknown, position: number): SqliteValue {
  if (typeof value === 'string' || typeof value === 'bigint' || value === null) return value
  if (typeof value === 'number' && Number.isFinite(value)) return value
  if (types.isUint8Array(value)) return value
  if (value === undefined) return null
  throw new TypeError(`The value of $${position} is not text, a finite number, null or bytes.`)
}
