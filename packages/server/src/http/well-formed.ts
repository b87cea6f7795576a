import { httpFailures } from './failures.js'

/**
 * Throws `text_malformed` if any text in the value, names of members included, holds U+0000, which PostgreSQL cannot store, or half of
 * a surrogate pair, which no UTF-8 can carry and which would be stored as another text.
 */
export function checkWellFormed(value: unknown): void {
  // A list instead of recursion: the depth is the client's choice.
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
