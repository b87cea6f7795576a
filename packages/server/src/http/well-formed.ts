import { httpFailures } from './failures.js'

/**
 * Throws `text_malformed` if any text in the value, including names of members, contains U+0000 or
 * an unpaired surrogate. PostgreSQL cannot store the first, and UTF-8 cannot encode the second, so
 * that another text would be stored.
 */
export function checkWellFormed(value: unknown): void {
  // A list instead of recursion, because the client chooses the depth.
  const pending: unknown[] = [value]
  while (pending.length > 0) {
    const next = pending.pop()
    if (typeof next === 'string') {
      if (next.includes('\0') || !next.isWellFormed()) throw httpFailures.refusal('text_malformed')
    } else if (typeof next === 'object' && next !== null) {
      for (const [name, member] of Object.entries(next)) pending.push(name, member)
    }
  }
}
