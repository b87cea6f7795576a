import { InvalidArgumentError } from 'commander'
import { isScope } from '../../clients/scope.js'
import { parseWhole } from '../../config/setting.js'

/** Parses a date or an RFC 3339 time as milliseconds since 1970; another text is a usage error. */
export function parseTime(text: string): number {
  const ms = /^\d{4}-\d\d-\d\d(T|$)/.test(text) ? Date.parse(text) : Number.NaN
  if (ms >= 0) return ms
  throw new InvalidArgumentError('Give a date such as 2026-01-31, or a time such as 2026-01-31T12:00:00Z.')
}

/** Returns a parser of whole numbers from `min` to `max`. */
export function wholeFrom(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = parseWhole(text, min, max)
    if (value === undefined) throw new InvalidArgumentError(`Give a whole number from ${min} to ${max}.`)
    return value
  }
}

/** Parses scopes with spaces between (RFC 6749 §3.3). */
export function parseScope(text: string): string {
  if (isScope(text)) return text
  throw new InvalidArgumentError('Give scopes with one space between, such as "articles:read articles:write".')
}
