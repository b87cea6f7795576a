import { isError } from '../../is-error.js'

/**
 * Returns the SQLSTATE of a PostgreSQL error, SQLite's name for its result code, such as
 * `SQLITE_BUSY`, or MySQL's name of the error, such as `ER_DUP_ENTRY`. Returns an empty text if the
 * error has none of them.
 *
 * SQLite drivers report the result code in two ways: better-sqlite3, libsql and bun:sqlite by its
 * name in `code`, `node:sqlite` by its number in `errcode`. @photostructure/sqlite 1.2 omits the
 * number in errors of `all`; their message is then SQLite's own text.
 */
export function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return ''
  const { code } = error
  if (code !== 'ERR_SQLITE_ERROR') return typeof code === 'string' ? code : ''
  if ('errcode' in error && typeof error.errcode === 'number') return nameOf(error.errcode)
  return isError(error) ? nameInMessage(error.message) : ''
}

/**
 * Returns whether a statement failed because a row with this key exists already, in PostgreSQL,
 * SQLite or MySQL.
 *
 * @param error The error that `query` has thrown.
 * @example
 * ```ts
 * import { isUniqueViolation, type SqlClient } from 'latchkey/sql'
 *
 * export async function addUser(client: SqlClient, email: string): Promise<boolean> {
 *   try {
 *     await client.query('insert into users (email) values ($1)', [email])
 *     return true
 *   } catch (error) {
 *     if (isUniqueViolation(error)) return false
 *     throw error
 *   }
 * }
 * ```
 */
export function isUniqueViolation(error: unknown): boolean {
  const code = codeOf(error)
  return uniqueViolations.includes(code)
}

const uniqueViolations = ['23505', 'SQLITE_CONSTRAINT_UNIQUE', 'SQLITE_CONSTRAINT_PRIMARYKEY', 'ER_DUP_ENTRY']

/** SQLite's result codes (https://sqlite.org/rescode.html) that a store distinguishes. */
const names: Readonly<Record<number, string>> = {
  3: 'SQLITE_PERM',
  5: 'SQLITE_BUSY',
  6: 'SQLITE_LOCKED',
  7: 'SQLITE_NOMEM',
  8: 'SQLITE_READONLY',
  9: 'SQLITE_INTERRUPT',
  10: 'SQLITE_IOERR',
  11: 'SQLITE_CORRUPT',
  13: 'SQLITE_FULL',
  14: 'SQLITE_CANTOPEN',
  15: 'SQLITE_PROTOCOL',
  17: 'SQLITE_SCHEMA',
  19: 'SQLITE_CONSTRAINT',
  23: 'SQLITE_AUTH',
  26: 'SQLITE_NOTADB',
  1555: 'SQLITE_CONSTRAINT_PRIMARYKEY',
  2067: 'SQLITE_CONSTRAINT_UNIQUE',
}

/** The lowest byte of an extended result code is the primary one. */
function nameOf(errcode: number): string {
  return names[errcode] ?? names[errcode & 0xff] ?? 'SQLITE_ERROR'
}

/** The start of SQLite's message for each of these codes. */
const messages: readonly (readonly [string, string])[] = [
  ['UNIQUE constraint failed', 'SQLITE_CONSTRAINT_UNIQUE'],
  ['database is locked', 'SQLITE_BUSY'],
  ['database table is locked', 'SQLITE_LOCKED'],
  ['database disk image is malformed', 'SQLITE_CORRUPT'],
  ['file is not a database', 'SQLITE_NOTADB'],
  ['disk I/O error', 'SQLITE_IOERR'],
  ['database or disk is full', 'SQLITE_FULL'],
  ['unable to open database file', 'SQLITE_CANTOPEN'],
  ['attempt to write a readonly database', 'SQLITE_READONLY'],
  ['locking protocol', 'SQLITE_PROTOCOL'],
  ['out of memory', 'SQLITE_NOMEM'],
  ['interrupted', 'SQLITE_INTERRUPT'],
]

function nameInMessage(message: string): string {
  return messages.find(([start]) => message.startsWith(start))?.[1] ?? 'SQLITE_ERROR'
}
