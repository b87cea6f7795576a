/**
 * `npm run bench:scaling`: the cost of a verification by the number of tenants, the length of the
 * token and the number of processes.
 */
import { availableParallelism } from 'node:os'
import { createPopulation, type Population } from '../population.js'
import { benchFlags, publish } from '../publish.js'
import { type Contestant, measureInRounds, type RoundOptions, ratioOf, type Timing, takingTurns } from '../rounds.js'
import { median } from '../statistics.js'
import { formatCount, formatMicros, formatRatio, type Table } from '../table.js'
import { type Contender, verifiers } from '../verification/contenders.js'
import { measureProcesses } from './measure-processes.js'

type Run = (token: string) => unknown

const flags = benchFlags()
const tenantCounts = flags.quick ? [100, 10_000] : [100, 1_000, 10_000, 100_000]
const paddings = flags.quick ? [0, 2_500] : [0, 450, 1_150, 2_600, 5_500]
const processCounts = flags.quick ? [1, 2] : [1, 2, 4, 8]
const roundOptions: RoundOptions = flags.quick ? { rounds: 3, roundMs: 100 } : { rounds: 7, roundMs: 400 }
const peer = 'fast-jwt, key function'

/** One population, with the times of its tokens in nanoseconds. */
interface Step {
  readonly tenants: number
  readonly tokenCharacters: number
  readonly unseen: Timing
  readonly seen: Timing
  readonly peer: Timing
}

const byTenants: Step[] = []
for (const tenants of tenantCounts) byTenants.push(await measureStep(tenants, 0))
const byLength: Step[] = []
for (const padding of paddings) byLength.push(await measureStep(flags.quick ? 500 : 2_000, padding))
const byProcesses = await measureAllProcesses()

await publish({
  name: 'scaling',
  flags,
  results: { byTenants, byLength, byProcesses },
  tables: [
    stepTable('Cost by the number of tenants in memory', 'tenants', byTenants, ({ tenants }) => formatCount(tenants)),
    stepTable('Cost by the length of the token', 'characters', byLength, ({ tokenCharacters }) =>
      formatCount(tokenCharacters),
    ),
    processTable(byProcesses),
  ],
})

async function measureStep(tenants: number, padding: number): Promise<Step> {
  // The same number of tokens for few tenants as for many, so that no token repeats within a round.
  const population = await createPopulation(tenants, { newTokensPerTenant: Math.ceil(20_000 / tenants), padding })
  const contenders = new Map((await verifiers(population)).map((contender) => [contender.name, contender]))
  const timings = await measureInRounds(
    new Map([
      ['unseen', contestant(contenders.get('Latchkey'), population.newTokens, population)],
      ['seen', contestant(contenders.get('Latchkey'), population.tokens, population)],
      ['peer', contestant(contenders.get(peer), population.newTokens, population)],
    ]),
    roundOptions,
  )
  await population.latchkey.close()
  const timing = (name: string) => timings.get(name) as Timing
  return {
    tenants,
    tokenCharacters: population.tokens[0]?.length ?? 0,
    unseen: timing('unseen'),
    seen: timing('seen'),
    peer: timing('peer'),
  }
}

/** Verifies `tokens` of the population before each round; its `newTokens` stay unseen. */
function contestant(
  contender: Contender<Run> | undefined,
  tokens: readonly Buffer[],
  { tokens: known }: Population,
): Contestant<string> {
  if (contender === undefined) throw new Error('The contender does not exist.')
  const isSeen = tokens === known
  return {
    prepare: async () => {
      const run = contender.create()
      if (isSeen) for (const token of tokens) await run(token.toString('latin1'))
      return run
    },
    inputs: takingTurns(tokens, (token) => token.toString('latin1'), { endlessly: isSeen }),
  }
}

interface ProcessStep {
  readonly processes: number
  /** Verifications per second of all processes together. */
  readonly perSecond: number
}

async function measureAllProcesses(): Promise<readonly ProcessStep[]> {
  const task = { tenants: 2_000, durationMs: flags.quick ? 1_000 : 3_000 }
  const steps: ProcessStep[] = []
  for (const processes of processCounts) {
    const runs: number[] = []
    for (let round = 0; round < (flags.quick ? 1 : 3); round += 1) runs.push(await measureProcesses(processes, task))
    steps.push({ processes, perSecond: median(runs) })
  }
  return steps
}

function stepTable(title: string, what: string, steps: readonly Step[], name: (step: Step) => string): Table {
  return {
    title,
    header: [what, 'never seen before', 'seen before', peer, 'ratio to Latchkey'],
    rows: steps.map((step) => [
      name(step),
      formatMicros(step.unseen.median),
      formatMicros(step.seen.median),
      formatMicros(step.peer.median),
      formatRatio(ratioOf(step.peer, step.unseen)),
    ]),
  }
}

function processTable(steps: readonly ProcessStep[]): Table {
  const [alone] = steps
  return {
    title: `Processes side by side, on ${availableParallelism()} processors, tokens never seen before`,
    header: ['processes', 'verifications per second, together', 'ratio to one process'],
    rows: steps.map(({ processes, perSecond }) => [
      String(processes),
      formatCount(perSecond),
      formatRatio(perSecond / (alone?.perSecond ?? Number.NaN)),
    ]),
  }
}
