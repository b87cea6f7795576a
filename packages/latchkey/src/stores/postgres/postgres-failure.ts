import { type FailureCode, isLatchkeyError, LatchkeyError } from '../../errors.js'
import { isError } from '../../is-error.js'

/**
 * The failure code for each SQLSTATE, or class of them (the first two characters), whose cause is
 * the state of the database (https://www.postgresql.org/docs/current/errcodes-appendix.html). All
 * others concern the statement or its values: the driver's error is kept.
 */
const codes: Readonly<Record<string, FailureCode | 'statement'>> = {
  /** Connection exceptions, including those of poolers. */
  '08': 'store_unavailable',
  /**
   * A feature that this server does not support; also a prepared statement whose columns have
   * changed.
   */
  '0A000': 'store_unavailable',
  /** A server, or a session, that is read-only. */
  '25006': 'store_unavailable',
  /** Sessions that a timeout of the server has ended. */
  '25P03': 'store_unavailable',
  '25P04': 'store_unavailable',
  /** Prepared statements that do not exist, or exist already: a pooler has switched connections. */
  '26000': 'store_unavailable',
  '42P05': 'store_unavailable',
  /** Role or password refused; no such database. */
  '28': 'store_unavailable',
  '3D000': 'store_unavailable',
  /** No such schema, or none that the role may use. */
  '3F000': 'store_rights_missing',
  '42501': 'store_rights_missing',
  '42P01': 'schema_missing',
  /** Transactions that were rolled back: serialization failures and deadlocks. */
  '40': 'store_busy',
  /** A deferred constraint of the caller. */
  '40002': 'statement',
  /** The connection was lost during a commit. */
  '40003': 'store_unavailable',
  /** Resources: disk, memory, connections. */
  '53': 'store_unavailable',
  /** A function that a standby does not have. */
  '55000': 'store_unavailable',
  /** The object is in use or locked. */
  '55006': 'store_busy',
  '55P03': 'store_busy',
  /**
   * Operator intervention: the server was shut down, crashed, is starting, or its database was
   * dropped.
   */
  '57': 'store_unavailable',
  /** A statement that was cancelled, for example by `statement_timeout`. */
  '57014': 'store_busy',
  '58': 'store_unavailable',
  '72': 'store_busy',
  F0: 'store_unavailable',
  XX: 'store_unavailable',
  XX001: 'data_corrupt',
  XX002: 'data_corrupt',
}

/**
 * Returns the error to throw for a failed statement: a LatchkeyError if the state of the database
 * is the cause, else the driver's error.
 */
export function failureOf(error: unknown): unknown {
  if (error instanceof TypeError || isLatchkeyError(error)) return error
  const state = sqlStateOf(error)
  // An error without SQLSTATE is one of the connection.
  const code = state === undefined ? 'store_unavailable' : (codes[state] ?? codes[state.slice(0, 2)] ?? 'statement')
  return code === 'statement' ? error : new LatchkeyError(code, { cause: error })
}

/**
 * Returns the SQLSTATE of an error that the server has reported, also after `failureOf` has wrapped
 * it.
 */
export function sqlStateOf(error: unknown): string | undefined {
  const thrown = isLatchkeyError(error) ? error.cause : error
  if (!isError(thrown) || !('severity' in thrown) || !('code' in thrown)) return undefined
  return typeof thrown.code === 'string' ? thrown.code : undefined
}

/** SQLSTATE class 28: wrong password, unknown role, or a role that may not log in. */
export function isLoginRefused(error: unknown): boolean {
  return sqlStateOf(error)?.startsWith('28') === true
}
