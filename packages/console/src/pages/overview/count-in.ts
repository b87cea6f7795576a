import type { LiveState } from './live-feed.js'

/** A longer pause between two states is a gap, in which nothing is known. */
const longestStepMs = 3000

/** Returns the number of these events in the states. */
export function countIn(history: readonly LiveState[], counter: keyof LiveState['rates']): number {
  return Math.round(secondsOf(history).reduce((sum, { state, seconds }) => sum + state.rates[counter] * seconds, 0))
}

/** Returns each state with the seconds for which its rates hold. */
export function secondsOf(history: readonly LiveState[]): { readonly state: LiveState; readonly seconds: number }[] {
  return history.map((state, index) => {
    const before = history[index - 1]?.at
    const stepMs = before === undefined ? 1000 : Date.parse(state.at) - Date.parse(before)
    return { state, seconds: stepMs <= longestStepMs ? stepMs / 1000 : 0 }
  })
}
