import type { LiveState } from './live-feed.js'

/** A longer pause between two states is a gap, in which nothing is known. */
const longestStepMs = 3000

/** Returns the number of events in the states: their rates times the seconds between them. */
export function countIn(history: readonly LiveState[], counter: keyof LiveState['rates']): number {
  let sum = 0
  for (const [index, { at, rates }] of history.entries()) {
    const before = history[index - 1]?.at
    const stepMs = before === undefined ? 1000 : Date.parse(at) - Date.parse(before)
    if (stepMs <= longestStepMs) sum += (rates[counter] * stepMs) / 1000
  }
  return Math.round(sum)
}
