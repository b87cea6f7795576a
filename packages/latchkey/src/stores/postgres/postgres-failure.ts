import { type FailureCode, isLatchkeyError, LatchkeyError } from '../../errors.js'

/**
 * Our code for each SQLSTATE, or class of them (the first two characters), for which the state of
 * the database is the cause (https://www.postgresql.org/docs/current/errcodes-appendix.html). All
 * others are about the statement or its values, and stay what the driver has thrown.
 */
const codes: Readonly<Record<string, FailureCode | 'statement'>> = {
  /** Connection exceptions, also those of poolers. */
  '08': 'store_unavailable',
  /** What this server does not support; also a prepared statement whose columns have changed. */
  '0A000': 'store_unavailable',
  /** A server, or a session, that only reads. */
  '25006': 'store_unavailable',
  /** Sessions that a time-out of the server has ended. */
  '25P03': 'store_unavailable',
  '25P04': 'store_unavailable',
  /** Prepared statements that are not there, or are there already: those of another connection behind a pooler. */
  '26000': 'store_unavailable',
  '42P05': 'store_unavailable',
  /** Role or password refused; no such database. */
  '28': 'store_unavailable',
  '3D000': 'store_unavailable',
  /** No such schema, or none that the role may use. */
  '3F000': 'store_rights_missing',
  '42501': 'store_rights_missing',
  '42P01': 'schema_missing',
  /** Transactions that were rolled back: serialisation failures, deadlocks. */
  '40': 'store_busy',
  /** A deferred constraint of the caller's. */
  '40002': 'statement',
  /** The connection was lost in a commit. */
  '40003': 'store_unavailable',
  /** Resources: disk, memory, connections. */
  '53': 'store_unavailable',
  /** A function that a standby does not have. */
  '55000': 'store_unavailable',
  /** Something else uses or locks it. */
  '55006': 'store_busy',
  '55P03': 'store_busy',
  /** The operator's intervention: shut down, crashed, starting, dropped. */
  '57': 'store_unavailable',
  /** A statement that was cancelled, as by `statement_timeout`. */
  '57014': 'store_busy',
  '58': 'store_unavailable',
  '72': 'store_busy',
  F0: 'store_unavailable',
  XX: 'store_unavailable',
  XX001: 'data_corrupt',
  XX002: 'data_corrupt',
}

/**
 * Returns the error that a statement fails with: one with our code where the state of the database
 * is the cause, else the driver's own.
 */
export function failureOf(error: unknown): unknown {
  if (error instanceof TypeError) return error
  const state = sqlStateOf(error)
  // Whatever the server itself did not say is about the connection.
  const code = state === undefined ? 'store_unavailable' : (codes[state] ?? codes[state.slice(0, 2)] ?? 'statement')
  return code === 'statement' ? error : new LatchkeyError(code, { cause: error })
}

/** Returns the SQLSTATE if the server itself has answered, also where `failureOf` has named the failure. */
export function sqlStateOf(error: unknown): string | undefined {
  const thrown = isLatchkeyError(error) ? error.cause : error
  if (!(thrown instanceof Error) || !('severity' in thrown) || !('code' in thrown)) return undefined
  return typeof thrown.code === 'string' ? thrown.code : undefined
}
