import { check, isCalm, lastAccepts, type Violation } from './checker.js'
import type { History } from './history.js'

/** Sums up the histories of a long run without storing them. */
export class Tally {
  readonly violations: Violation[] = []
  readonly #counts = new Map<string, number>()
  readonly #faults = new Map<string, number>()
  readonly #outcomes = new Map<string, number>()
  readonly #lateMs: number[] = []
  /** The durations of changes that waited for propagation. */
  readonly #everywhereMs: number[] = []

  add(history: History): void {
    const { tokens, changes, verifications, faults } = history
    for (const { kind } of faults) count(this.#faults, kind)
    for (const { outcome } of verifications) count(this.#outcomes, outcome)
    const acknowledged = changes.filter(({ acknowledgedAt }) => acknowledgedAt !== undefined).length
    count(this.#counts, 'tokens issued', tokens.length)
    count(this.#counts, 'changes acknowledged', acknowledged)
    count(this.#counts, 'changes of unknown outcome', changes.length - acknowledged)
    count(this.#counts, 'verifications', verifications.length)
    count(this.#counts, '  while PostgreSQL was in reach', verifications.filter((one) => isCalm(one, faults)).length)
    for (const lateMs of lastAccepts(history)) this.#lateMs.push(lateMs)
    for (const { everywhere, startedAt, acknowledgedAt } of changes) {
      if (everywhere && acknowledgedAt !== undefined) this.#everywhereMs.push(acknowledgedAt - startedAt)
    }
    for (const violation of check(history)) this.violations.push(violation)
  }

  /** Returns a table, and the first broken promise. */
  toString(): string {
    const broken = new Map<string, number>()
    for (const { promise } of this.violations) count(broken, promise)
    const rows: readonly (readonly [string, string | number])[] = [
      ...this.#counts,
      ...indented(this.#outcomes),
      ['faults', [...this.#faults.values()].reduce((sum, each) => sum + each, 0)],
      ...indented(this.#faults),
      ['last accept after an acknowledgement, median', quantile(this.#lateMs, 0.5)],
      ['  99th percentile', quantile(this.#lateMs, 0.99)],
      ['  latest', quantile(this.#lateMs, 1)],
      ['a change that holds everywhere took, median', quantile(this.#everywhereMs, 0.5)],
      ['  99th percentile', quantile(this.#everywhereMs, 0.99)],
      ['  longest', quantile(this.#everywhereMs, 1)],
      ['promises broken', this.violations.length],
      ...indented(broken),
    ]
    const table = rows.map(([name, value]) => `${name.padEnd(58)}${String(value).padStart(12)}`)
    const [first] = this.violations
    return [...table, ...(first === undefined ? [] : [`The first: ${JSON.stringify(first, withoutSecrets)}`])].join(
      '\n',
    )
  }
}

function count(counts: Map<string, number>, name: string, more = 1): void {
  counts.set(name, (counts.get(name) ?? 0) + more)
}

function quantile(valuesMs: readonly number[], share: number): string {
  const sorted = valuesMs.toSorted((a, b) => a - b)
  return `${(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0).toFixed(1)} ms`
}

function indented(counts: ReadonlyMap<string, number>): (readonly [string, number])[] {
  return [...counts].toSorted(([a], [b]) => a.localeCompare(b)).map(([name, times]) => [`  ${name}`, times] as const)
}

function withoutSecrets(key: string, value: unknown): unknown {
  return key === 'token' && typeof value === 'string' ? undefined : value
}
