import type { SqlStore } from 'latchkey/sqlite'

/**
 * Returns what a `select` ends with so that its rows stay locked until the transaction ends, and rows that another transaction has locked are left out. Work that
 * comes again by itself uses it: it waits for no row, and so cannot be part of a deadlock. SQLite has one writer at a time and needs nothing.
 */
export function skipLocked({ dialect }: Pick<SqlStore, 'dialect'>): string {
  return dialect === 'postgres' ? 'for update skip locked' : ''
}
