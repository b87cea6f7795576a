import { setTimeout as sleep } from 'node:timers/promises'
import { shuffled } from './shuffled.js'
import { median } from './statistics.js'

/** How long one operation took, over the rounds. Nanoseconds. */
export interface Timing {
  readonly median: number
  readonly least: number
  readonly most: number
  /** Each round's. */
  readonly rounds: readonly number[]
  /** The process's time that one took, on whatever core and thread: the median of the rounds. */
  readonly cpu: number
}

/** How the rounds are run. */
export interface RoundOptions {
  readonly rounds: number
  /** Milliseconds of measuring per contestant and round. */
  readonly roundMs: number
}

/** One operation on an input. An asynchronous one gives a promise, which is waited for. */
export type Operation<Input> = (input: Input) => unknown

/** Who takes part. */
export interface Contestant<Input> {
  /** The operation, as it is at the start of a round: what it is to remember by then it remembers, and nothing else. */
  readonly prepare: () => Operation<Input> | Promise<Operation<Input>>
  /** So many inputs of a round that follow each other; fewer when the round has no more. Making them is not measured. */
  readonly inputs: () => (count: number) => readonly Input[]
}

/** Inputs that are made at once: with the strings of tokens about a tenth of the processor's nearest big cache. */
const batchSize = 256

interface Sample {
  readonly wallNs: number
  readonly cpuNs: number
}

/**
 * Measures all contestants in turn, round after round, so that a machine whose speed drifts is unfair to nobody, and gives each one's
 * median over the rounds. One more round comes first and is not counted.
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
  // Preparing may have taken one turn of the loop for longer than anything is believed without the change feed: its timer, which is due, comes first.
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
      // To wait for what is there already would take longer than some operations do.
      if (answer instanceof Promise) await answer
    }
    wallMs += performance.now() - startedAt
    const { user, system } = process.cpuUsage(cpuBefore)
    cpuMicros += user + system
    count += batch.length
    // Change feeds and timers have their turn, as in a server between two requests.
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { wallNs: (wallMs * 1e6) / count, cpuNs: (cpuMicros * 1000) / count }
}

function timingOf(samples: readonly Sample[]): Timing {
  const rounds = samples.map(({ wallNs }) => wallNs)
  const cpu = median(samples.map(({ cpuNs }) => cpuNs))
  return { median: median(rounds), least: Math.min(...rounds), most: Math.max(...rounds), rounds, cpu }
}

/** This one's time by the other's of the same round: median, because the machine's speed drifts from round to round. */
export function ratioOf(timing: Timing, other: Timing): number {
  return median(timing.rounds.map((time, round) => time / (other.rounds[round] ?? Number.NaN)))
}

/**
 * Items of which each round has those at its own places, all of them once and in the same order; or again and again, when `endlessly`. They come shuffled: in the order in which
 * they were made they lie side by side in memory, and the processor would have fetched the next one before it is asked for.
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
