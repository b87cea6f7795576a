import { setTimeout as sleep } from 'node:timers/promises'
import { shuffled } from './shuffled.js'
import { median } from './statistics.js'

/** The time of one operation over the rounds, in nanoseconds. */
export interface Timing {
  readonly median: number
  readonly least: number
  readonly most: number
  /** The time in each round. */
  readonly rounds: readonly number[]
  /** The CPU time of one operation on all threads: the median of the rounds. */
  readonly cpu: number
}

/** Options of `measureInRounds`. */
export interface RoundOptions {
  readonly rounds: number
  /** Milliseconds of measurement per contestant and round. */
  readonly roundMs: number
}

/** One operation on an input. When it returns a promise, the promise is awaited. */
export type Operation<Input> = (input: Input) => unknown

/** An operation to measure, with its inputs. */
export interface Contestant<Input> {
  /** Returns the operation at the start of a round, with its caches filled as they should be. */
  readonly prepare: () => Operation<Input> | Promise<Operation<Input>>
  /** Returns the next inputs of a round, fewer at its end. Creating them is not measured. */
  readonly inputs: () => (count: number) => readonly Input[]
}

/** Inputs per batch: their token strings take about a tenth of the processor's L2 cache. */
const batchSize = 256

interface Sample {
  readonly wallNs: number
  readonly cpuNs: number
}

/**
 * Measures all contestants in turn, round after round, so that a drift of the machine's speed
 * affects all of them alike. A first round warms up and is not counted.
 */
export async function measureInRounds<Input>(
  contestants: ReadonlyMap<string, Contestant<Input>>,
  { rounds, roundMs }: RoundOptions,
): Promise<ReadonlyMap<string, Timing>> {
  const samples = new Map([...contestants.keys()].map((name) => [name, [] as Sample[]]))
  for (let round = 0; round <= rounds; round += 1) {
    for (const [name, contestant] of contestants) {
      const sample = await measureRound(contestant, roundMs)
      if (round > 0) samples.get(name)?.push(sample)
    }
  }
  return new Map([...samples].map(([name, values]) => [name, timingOf(values)]))
}

async function measureRound<Input>({ prepare, inputs }: Contestant<Input>, roundMs: number): Promise<Sample> {
  const operation = await prepare()
  const next = inputs()
  // `prepare` may have blocked the event loop for longer than `maxStaleness`. The overdue timer of
  // the change feed runs first.
  await sleep(0)
  let count = 0
  let wallMs = 0
  let cpuMicros = 0
  while (wallMs < roundMs) {
    const batch = next(batchSize)
    if (batch.length === 0) break
    const cpuBefore = process.cpuUsage()
    const startedAt = performance.now()
    for (const input of batch) {
      const answer = operation(input)
      // Awaiting a plain value would take longer than some operations.
      if (answer instanceof Promise) await answer
    }
    wallMs += performance.now() - startedAt
    const { user, system } = process.cpuUsage(cpuBefore)
    cpuMicros += user + system
    count += batch.length
    // Lets change feeds and timers run, as in a server between two requests.
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { wallNs: (wallMs * 1e6) / count, cpuNs: (cpuMicros * 1000) / count }
}

function timingOf(samples: readonly Sample[]): Timing {
  const rounds = samples.map(({ wallNs }) => wallNs)
  const cpu = median(samples.map(({ cpuNs }) => cpuNs))
  return { median: median(rounds), least: Math.min(...rounds), most: Math.max(...rounds), rounds, cpu }
}

/** Returns the median ratio of the times of the same round, because the machine's speed drifts. */
export function ratioOf(timing: Timing, other: Timing): number {
  return median(timing.rounds.map((time, round) => time / (other.rounds[round] ?? Number.NaN)))
}

/**
 * Returns inputs for each round: all items once in the same order, or repeatedly when `endlessly`.
 * The order is shuffled once: items that were created one after the other are neighbours in memory,
 * and the processor would prefetch the next one.
 */
export function takingTurns<Item, Input>(
  items: readonly Item[],
  inputOf: (item: Item) => Input,
  { endlessly }: { readonly endlessly: boolean },
): () => (count: number) => readonly Input[] {
  const turns = shuffled(items)
  return () => {
    let place = 0
    return (count) => {
      const batch: Input[] = []
      while (batch.length < count && (endlessly || place < turns.length)) {
        const item = turns[place % turns.length]
        if (item !== undefined) batch.push(inputOf(item))
        place += 1
      }
      return batch
    }
  }
}
