import { InvalidArgumentError } from 'commander'
import { parseWhole } from '../../config/setting.js'

/** A date or an RFC 3339 time, in milliseconds since 1970; another text makes the command one that cannot be meant. */
export function parseTime(text: string): number {
  const ms = /^\d{4}-\d\d-\d\d(T|$)/.test(text) ? Date.parse(text) : Number.NaN
  if (ms >= 0) return ms
  throw new InvalidArgumentError('Give a date such as 2026-01-31, or a time such as 2026-01-31T12:00:00Z.')
}

/** Takes a whole number from `min` to `max`. */
export function wholeFrom(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = parseWhole(text, min, max)
    if (value === undefined) throw new InvalidArgumentError(`Give a whole number from ${min} to ${max}.`)
    return value
  }
}
