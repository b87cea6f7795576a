import { type FailureCode, isLatchkeyError, LatchkeyError } from '../../errors.js'
import { isError } from '../../is-error.js'

/**
 * The failure code for each error number of MySQL and MariaDB whose cause is the state of the
 * database (https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html,
 * https://mariadb.com/kb/en/mariadb-error-code-reference/). All others concern the statement or its
 * values: the driver's error is kept.
 */
const codes: Readonly<Record<number, FailureCode>> = {
  /** Disk, memory, connections, prepared statements and other resources. */
  1021: 'store_unavailable',
  1026: 'store_unavailable',
  1037: 'store_unavailable',
  1038: 'store_unavailable',
  1040: 'store_unavailable',
  1041: 'store_unavailable',
  1114: 'store_unavailable',
  1135: 'store_unavailable',
  1203: 'store_unavailable',
  1226: 'store_unavailable',
  1461: 'store_unavailable',
  1637: 'store_unavailable',
  3168: 'store_unavailable',
  /** The storage engine failed, or a commit did. */
  1030: 'store_unavailable',
  1180: 'store_unavailable',
  /** User, password or host refused; no such database. */
  1045: 'store_unavailable',
  1049: 'store_unavailable',
  1129: 'store_unavailable',
  1130: 'store_unavailable',
  1698: 'store_unavailable',
  1862: 'store_unavailable',
  3118: 'store_unavailable',
  4151: 'store_unavailable',
  /** The server shuts down, or the session was ended. */
  1053: 'store_unavailable',
  1077: 'store_unavailable',
  1079: 'store_unavailable',
  1152: 'store_unavailable',
  1184: 'store_unavailable',
  1927: 'store_unavailable',
  3169: 'store_unavailable',
  4031: 'store_unavailable',
  /** The network failed, or the client and the server have lost the order of their messages. */
  1047: 'store_unavailable',
  1156: 'store_unavailable',
  1158: 'store_unavailable',
  1159: 'store_unavailable',
  1160: 'store_unavailable',
  1161: 'store_unavailable',
  /** A prepared statement that does not exist: a pooler has switched connections. */
  1243: 'store_unavailable',
  /** A server, or a transaction, that only reads. */
  1290: 'store_unavailable',
  1792: 'store_unavailable',
  1836: 'store_unavailable',
  3100: 'store_unavailable',
  /** No right to the database, a table, a column, a function or a command. */
  1044: 'store_rights_missing',
  1142: 'store_rights_missing',
  1143: 'store_rights_missing',
  1227: 'store_rights_missing',
  1370: 'store_rights_missing',
  1146: 'schema_missing',
  /** Deadlocks, waits for locks, and commits that lost against another server of a cluster. */
  1205: 'store_busy',
  1213: 'store_busy',
  3058: 'store_busy',
  3101: 'store_busy',
  3572: 'store_busy',
  /** A row or table has changed since the snapshot of the transaction. */
  1020: 'store_busy',
  1412: 'store_busy',
  1615: 'store_busy',
  /** A statement that was cancelled or took too long. */
  1317: 'store_busy',
  1969: 'store_busy',
  3024: 'store_busy',
  /** A damaged file of a table or index. */
  1034: 'data_corrupt',
  1035: 'data_corrupt',
  1194: 'data_corrupt',
  1195: 'data_corrupt',
  1712: 'data_corrupt',
  1877: 'data_corrupt',
}

const loginRefused = [1044, 1045, 1698]

/**
 * Returns the error to throw for a failed statement: a LatchkeyError if the state of the database
 * is the cause, else the driver's error.
 */
export function failureOf(error: unknown): unknown {
  if (error instanceof TypeError || isLatchkeyError(error)) return error
  const number = errorNumberOf(error)
  // An error without a number of the server is one of the connection.
  const code = number === undefined ? 'store_unavailable' : codes[number]
  return code === undefined ? error : new LatchkeyError(code, { cause: error })
}

/**
 * Returns the number of an error that the server has reported, also after `failureOf` has wrapped
 * it. Errors of the operating system have negative numbers.
 */
export function errorNumberOf(error: unknown): number | undefined {
  const thrown = isLatchkeyError(error) ? error.cause : error
  if (!isError(thrown) || !('errno' in thrown)) return undefined
  return typeof thrown.errno === 'number' && thrown.errno > 0 ? thrown.errno : undefined
}

/** Returns whether the server has refused the user or the password. */
export function isLoginRefused(error: unknown): boolean {
  return loginRefused.includes(errorNumberOf(error) ?? 0)
}
