/**
 * `npm run bench:flood`: the cost of refusing a token, beside that of accepting one, and the effect
 * of a flood of forged tokens on valid ones.
 */
import type { Latchkey } from 'latchkey'
import type { Bar } from '../bars.js'
import { benchFlags, publish } from '../publish.js'
import { measureInRounds, type Operation, type RoundOptions, ratioOf, type Timing, takingTurns } from '../rounds.js'
import { shuffled } from '../shuffled.js'
import { median } from '../statistics.js'
import { formatCount, formatMicros, type Table } from '../table.js'
import { createFloodPopulation, type FloodPopulation } from './flood-population.js'

const flags = benchFlags()
const tenants = flags.quick ? 2_000 : 10_000
const roundOptions: RoundOptions = flags.quick ? { rounds: 3, roundMs: 150 } : { rounds: 7, roundMs: 400 }
const floodRounds = flags.quick ? 3 : 9
/** Forged tokens per valid one. */
const forgedPerGood = 99
const goodPerTurn = 50
const goodPerRound = flags.quick ? 1000 : 4000

const unseenName = 'accepted, never seen before'

/** The cost of one kind of token. */
interface Refusal {
  readonly name: string
  readonly timing: Timing
  /** The time divided by that of accepting a token that was never seen. */
  readonly ratio: number
}

/** The cost of a valid token, alone and during the flood: the median, in microseconds. */
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
await publish({
  name: 'flood',
  flags,
  results: { tenants, forgedPerGood, refusals, flood },
  tables: [refusalTable(refusals), floodTable(flood)],
  bars: [
    ...refusals.slice(1).map(({ name, ratio }): Bar => {
      return { what: `${name}: ratio to accepting one`, wanted: 1, measured: ratio, atMost: true, unit: '×' }
    }),
    { what: 'reads of the store during the flood', wanted: 0, measured: flood.storeReads, atMost: true, unit: '' },
  ],
})

async function measureRefusals({ freshLatchkey, unseen, forgeries }: FloodPopulation): Promise<readonly Refusal[]> {
  // Each round starts with an empty memory and uses no token twice.
  const contestant = (run: (latchkey: Latchkey) => Operation<string>, tokens: readonly Buffer[]) => ({
    prepare: () => run(freshLatchkey()),
    inputs: takingTurns(tokens, asFromSocket, { endlessly: false }),
  })
  const contestants = new Map([[unseenName, contestant(accepting, unseen)]])
  for (const [name, tokens] of forgeries) contestants.set(name, contestant(refusing, tokens))
  const timings = await measureInRounds(contestants, roundOptions)
  const accept = timings.get(unseenName)
  return [...timings].map(([name, timing]) => ({
    name,
    timing,
    ratio: accept === undefined ? Number.NaN : ratioOf(timing, accept),
  }))
}

async function measureFlood({ latchkey, storeReads, unseen, seen, forgeries }: FloodPopulation): Promise<Flood> {
  const forged = inTurn(interleaved([...forgeries.values()]))
  const refuse = refusing(latchkey)
  const accept = accepting(latchkey)
  const kinds = new Map([
    ['seen before', inTurn(seen)],
    ['never seen before', inTurn(unseen)],
  ])
  const readsBefore = storeReads()
  const good: GoodToken[] = []
  const forgedPerSecond: number[] = []
  for (const [name, next] of kinds) {
    const alone: number[] = []
    const inFlood: number[] = []
    for (let round = 0; round < floodRounds; round += 1) {
      for (let count = 0; count < goodPerRound; count += 1) alone.push(microsOf(accept, next()))
      const startedAt = performance.now()
      for (let count = 0; count < goodPerRound; count += 1) {
        // Lets the change feed prove itself, as in a server that reads its sockets.
        if (count % goodPerTurn === 0) await new Promise((resolve) => setImmediate(resolve))
        for (let place = 0; place < forgedPerGood; place += 1) refuse(forged())
        inFlood.push(microsOf(accept, next()))
      }
      forgedPerSecond.push((goodPerRound * forgedPerGood * 1000) / (performance.now() - startedAt))
    }
    good.push({ name, aloneMicros: median(alone), inFloodMicros: median(inFlood) })
  }
  return { forgedPerSecond: median(forgedPerSecond), storeReads: storeReads() - readsBefore, good }
}

function accepting(latchkey: Latchkey): (token: string) => void {
  return (token) => {
    if (latchkey.verify(token) instanceof Promise) throw new Error('A valid token caused a read.')
  }
}

function refusing(latchkey: Latchkey): (token: string) => void {
  return (token) => {
    let answer: unknown
    try {
      answer = latchkey.verify(token)
    } catch {
      return
    }
    throw new Error(answer instanceof Promise ? 'A forged token caused a read.' : 'A forged token was accepted.')
  }
}

/** Returns the tokens in a random order, each as a fresh string, as from a socket. */
function inTurn(all: readonly Buffer[]): () => string {
  const tokens = shuffled(all)
  let place = 0
  return () => {
    place = (place + 1) % tokens.length
    return asFromSocket(tokens[place] ?? Buffer.alloc(0))
  }
}

function asFromSocket(token: Buffer): string {
  return token.toString('latin1')
}

/** Returns the kinds in turn, as many tokens of each as the smallest kind has. */
function interleaved(kinds: readonly (readonly Buffer[])[]): Buffer[] {
  const least = Math.min(...kinds.map((tokens) => tokens.length))
  return Array.from({ length: least }, (_, place) => kinds.flatMap((tokens) => tokens[place] ?? [])).flat()
}

function microsOf(operation: (token: string) => void, token: string): number {
  const startedAt = process.hrtime.bigint()
  operation(token)
  return Number(process.hrtime.bigint() - startedAt) / 1000
}

function refusalTable(all: readonly Refusal[]): Table {
  return {
    title: 'Cost of refusing a token',
    header: ['A token that is', 'each', 'spread', 'processor', 'ratio to accepting one'],
    rows: all.map(({ name, timing, ratio }) => [
      name,
      formatMicros(timing.median),
      `${(timing.least / 1000).toFixed(2)} to ${(timing.most / 1000).toFixed(2)}`,
      formatMicros(timing.cpu),
      ratio.toFixed(2),
    ]),
  }
}

function floodTable({ forgedPerSecond, storeReads, good }: Flood): Table {
  return {
    title: `A flood: ${forgedPerGood} of ${forgedPerGood + 1} tokens are forged, ${formatCount(forgedPerSecond)} of them per second; reads of the store: ${storeReads}`,
    header: ['A valid token', 'alone', 'during the flood', 'ratio'],
    rows: good.map(({ name, aloneMicros, inFloodMicros }) => [
      name,
      `${aloneMicros.toFixed(2)} µs`,
      `${inFloodMicros.toFixed(2)} µs`,
      (inFloodMicros / aloneMicros).toFixed(2),
    ]),
  }
}
