import { httpFailures } from '../http/failures.js'

/**
 * Returns the time in milliseconds. The schema allows leap seconds, which JavaScript cannot parse.
 */
export function momentOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const ms = Date.parse(text)
  if (Number.isNaN(ms)) throw httpFailures.refusal('validation_failed')
  return Math.max(ms, 0)
}
