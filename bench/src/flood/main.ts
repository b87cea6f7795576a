import type { Latchkey } from 'latchkey'
import { benchFlags, publish } from '../publish.js'
import { measureInRounds, type RoundOptions, type Timing } from '../rounds.js'
import { median } from '../statistics.js'
import { formatCount, formatTable } from '../table.js'
import { createFloodPopulation, type FloodPopulation } from './flood-population.js'

// What it costs to refuse a token, beside accepting one, and what a flood of forged ones does to those that are good.

const flags = benchFlags()
const tenants = flags.quick ? 2_000 : 10_000
const roundOptions: RoundOptions = flags.quick ? { rounds: 3, roundMs: 150 } : { rounds: 7, roundMs: 500 }
const floodRounds = flags.quick ? 3 : 9
/** Forged tokens for each good one. */
const forgedPerGood = 99
const goodPerRound = flags.quick ? 1000 : 4000

const unseenName = 'accepted, never seen before'

/** What one kind of token costs. */
interface Refusal {
  readonly name: string
  readonly timing: Timing
  /** By accepting a token that was never seen. */
  readonly ratio: number
}

/** What a good token costs alone and in the flood; microseconds, the median of all. */
interface GoodToken {
  readonly name: string
  readonly aloneMicros: number
  readonly inFloodMicros: number
}

interface Flood {
  readonly forgedPerSecond: number
  readonly storeReads: number
  readonly good: readonly GoodToken[]
}

const population = await createFloodPopulation(tenants)
const refusals = await measureRefusals(population)
const flood = await measureFlood(population)
await population.latchkey.close()
const text = `${formatCount(tenants)} tenants\n\n${formatRefusals(refusals)}\n\n${formatFlood(flood)}`
await publish({ name: 'flood', flags, results: { tenants, forgedPerGood, refusals, flood }, text })

async function measureRefusals({ latchkey, unseen, seen, forgeries }: FloodPopulation): Promise<readonly Refusal[]> {
  const operations = new Map<string, () => unknown>([
    [unseenName, accepting(latchkey, inTurn(unseen))],
    ['accepted, seen before', accepting(latchkey, inTurn(seen))],
  ])
  for (const [name, tokens] of forgeries) operations.set(name, refusing(latchkey, inTurn(tokens)))
  const timings = await measureInRounds(operations, roundOptions)
  const accept = timings.get(unseenName)?.median ?? Number.NaN
  return [...timings].map(([name, timing]) => ({ name, timing, ratio: timing.median / accept }))
}

async function measureFlood({ latchkey, storeReads, unseen, seen, forgeries }: FloodPopulation): Promise<Flood> {
  const forged = inTurn(interleaved([...forgeries.values()]))
  const refuse = refusing(latchkey, forged)
  const kinds = new Map([
    ['seen before', accepting(latchkey, inTurn(seen))],
    ['never seen before', accepting(latchkey, inTurn(unseen))],
  ])
  const readsBefore = storeReads()
  const good: GoodToken[] = []
  const forgedPerSecond: number[] = []
  for (const [name, accept] of kinds) {
    const alone: number[] = []
    const inFlood: number[] = []
    for (let round = 0; round < floodRounds; round += 1) {
      for (let count = 0; count < goodPerRound; count += 1) alone.push(microsOf(accept))
      const startedAt = performance.now()
      for (let count = 0; count < goodPerRound; count += 1) {
        for (let place = 0; place < forgedPerGood; place += 1) refuse()
        inFlood.push(microsOf(accept))
      }
      forgedPerSecond.push((goodPerRound * forgedPerGood * 1000) / (performance.now() - startedAt))
      // The change feed is to prove itself meanwhile, as in a server that reads its sockets.
      await new Promise((resolve) => setImmediate(resolve))
    }
    good.push({ name, aloneMicros: median(alone), inFloodMicros: median(inFlood) })
  }
  return { forgedPerSecond: median(forgedPerSecond), storeReads: storeReads() - readsBefore, good }
}

function accepting(latchkey: Latchkey, next: () => string): () => void {
  return () => {
    if (latchkey.verify(next()) instanceof Promise) throw new Error('A good token had to be read.')
  }
}

function refusing(latchkey: Latchkey, next: () => string): () => void {
  return () => {
    let answer: unknown
    try {
      answer = latchkey.verify(next())
    } catch {
      return
    }
    throw new Error(answer instanceof Promise ? 'A forged token caused a read.' : 'A forged token was accepted.')
  }
}

/** Tokens one after another, each as a fresh string, as from a socket. */
function inTurn(tokens: readonly Buffer[]): () => string {
  let place = 0
  return () => {
    place = (place + 1) % tokens.length
    return tokens[place]?.toString('latin1') ?? ''
  }
}

/** As many of each kind as there are of the least, in turn. */
function interleaved(kinds: readonly (readonly Buffer[])[]): Buffer[] {
  const least = Math.min(...kinds.map((tokens) => tokens.length))
  return Array.from({ length: least }, (_, place) => kinds.flatMap((tokens) => tokens[place] ?? [])).flat()
}

function microsOf(operation: () => void): number {
  const startedAt = process.hrtime.bigint()
  operation()
  return Number(process.hrtime.bigint() - startedAt) / 1000
}

function formatRefusals(all: readonly Refusal[]): string {
  const rows = all.map(({ name, timing, ratio }) => [
    name,
    `${(timing.median / 1000).toFixed(2)} µs`,
    `${(timing.least / 1000).toFixed(2)} to ${(timing.most / 1000).toFixed(2)}`,
    ratio.toFixed(2),
  ])
  return formatTable(['A token that is', 'each', 'spread', 'by accepting one'], rows)
}

function formatFlood({ forgedPerSecond, storeReads, good }: Flood): string {
  const rows = good.map(({ name, aloneMicros, inFloodMicros }) => [
    name,
    `${aloneMicros.toFixed(2)} µs`,
    `${inFloodMicros.toFixed(2)} µs`,
    (inFloodMicros / aloneMicros).toFixed(2),
  ])
  const head = `Of ${forgedPerGood + 1} tokens ${forgedPerGood} are forged, ${formatCount(forgedPerSecond)} of them a second; reads of the store: ${storeReads}`
  return `${head}\n${formatTable(['A good token', 'alone', 'in the flood', 'ratio'], rows)}`
}
