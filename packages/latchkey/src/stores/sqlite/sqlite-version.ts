/** The first version with a write-ahead log, and the first version with the fix. */
const firstFaulty = [3, 7, 0] as const
const firstFixed = [3, 51, 3] as const

/** Releases of older branches that also have the fix. */
const backports = [
  [3, 44, 6],
  [3, 50, 7],
] as const

/**
 * Returns whether this version of SQLite can lose committed transactions or damage the file when
 * two connections write or checkpoint at the same instant in WAL mode. That is the WAL-reset fault
 * of 3.7.0 to 3.51.2, fixed in 3.51.3, 3.50.7 and 3.44.6 (https://sqlite.org/wal.html).
 *
 * @param version A version such as `3.45.1`. Any other text counts as faulty.
 * @example
 * ```ts
 * import { hasWalResetFault } from 'latchkey/sqlite'
 *
 * hasWalResetFault('3.45.1') // true
 * hasWalResetFault('3.51.3') // false
 * ```
 */
export function hasWalResetFault(version: string): boolean {
  const numbers = /^(\d+)\.(\d+)\.(\d+)/.exec(version)?.slice(1).map(Number)
  if (numbers === undefined) return true
  if (compare(numbers, firstFaulty) < 0 || compare(numbers, firstFixed) >= 0) return false
  const hasBackport = backports.some(
    (fixed) => numbers[0] === fixed[0] && numbers[1] === fixed[1] && compare(numbers, fixed) >= 0,
  )
  return !hasBackport
}

function compare(one: readonly number[], other: readonly number[]): number {
  const difference = one.findIndex((number, index) => number !== other[index])
  return difference === -1 ? 0 : (one[difference] ?? 0) - (other[difference] ?? 0)
}
