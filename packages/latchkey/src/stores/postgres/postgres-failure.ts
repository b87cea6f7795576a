import { LatchkeyError } from '../../errors.js'

/**
 * What a statement fails with: our code where the database cannot be reached or used, or where other transactions are in the way, else the driver's own error.
 */
export function failureOf(error: unknown): unknown {
  if (error instanceof TypeError) return error
  const state = sqlStateOf(error)
  if (state !== undefined && contention.includes(state)) return new LatchkeyError('store_busy', { cause: error })
  if (state !== undefined && !isTrouble.test(state)) return error
  const code = state !== undefined && isDamage.test(state) ? 'data_corrupt' : 'store_unavailable'
  return new LatchkeyError(code, { cause: error })
}

/** The SQLSTATE, if the server itself answered; anything else that `pg` throws is about the connection. */
export function sqlStateOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('severity' in error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** Serialisation failure, deadlock, lock time-out, and a statement that was cancelled, as by `statement_timeout`: the connection is as good as before. */
const contention = ['40001', '40P01', '55P03', '57014']

/** Connection, resources, operator's intervention, system and internal errors; a server that only reads (a standby). */
const isTrouble = /^(08|53|57|58|XX|F0|25006)/

const isDamage = /^XX00[12]/
