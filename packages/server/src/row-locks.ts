import type { SqlStore } from 'latchkey/sql'

/**
 * Returns the end of a `select` that locks its rows until the transaction ends, and leaves out
 * rows that another transaction has locked. For periodic work: it waits for no row, and so cannot
 * be part of a deadlock. Empty on SQLite, which has one writer at a time.
 */
export function skipLocked({ dialect }: Pick<SqlStore, 'dialect'>): string {
  return dialect === 'postgres' ? 'for update skip locked' : ''
}
