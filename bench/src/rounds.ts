import { measure } from 'mitata'
import { median } from './statistics.js'

/** How long one operation took, over the rounds. Nanoseconds. */
export interface Timing {
  readonly median: number
  readonly least: number
  readonly most: number
  /** Each round's. */
  readonly rounds: readonly number[]
}

/** How the rounds are run. */
export interface RoundOptions {
  readonly rounds: number
  /** Milliseconds of measuring per contender and round. */
  readonly roundMs: number
}

/** One measured operation; asynchronous ones give a promise. */
export type Operation = () => unknown

/**
 * Measures all operations in turn, round after round, so that a machine whose speed drifts is unfair to nobody, and gives each one's
 * median over the rounds.
 */
export async function measureInRounds(
  operations: ReadonlyMap<string, Operation>,
  { rounds, roundMs }: RoundOptions,
): Promise<ReadonlyMap<string, Timing>> {
  const samples = new Map([...operations.keys()].map((name) => [name, [] as number[]]))
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, operation] of operations) {
      const { avg } = await measure(operation, { min_cpu_time: roundMs * 1e6 })
      samples.get(name)?.push(avg)
    }
  }
  return new Map([...samples].map(([name, values]) => [name, timingOf(values)]))
}

function timingOf(values: readonly number[]): Timing {
  return { median: median(values), least: Math.min(...values), most: Math.max(...values), rounds: values }
}
