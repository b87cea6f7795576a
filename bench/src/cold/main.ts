import { startPostgres } from '../../../test/support/start-postgres.js'
import { startRedis } from '../../../test/support/start-redis.js'
import type { Bar } from '../bars.js'
import { performInProcess } from '../perform-in-process.js'
import { benchFlags, publish } from '../publish.js'
import { median } from '../statistics.js'
import { formatCount, type Table } from '../table.js'
import { type ColdPopulation, createColdPopulation } from './cold-population.js'
import type { ColdPass, ColdResult, ColdTask, ContenderName } from './messages.js'

// How many tenants that are not in memory a process verifies per second, beside the same number of
// plain look-ups by the drivers.

const flags = benchFlags()
const tenants = flags.quick ? 10_000 : 20_000
const rounds = flags.quick ? 1 : 5
const passes = flags.quick ? 3 : 4
/** As when many requests reach a process that has just started. The drivers get the same number. */
const inFlight = 1000

/** Each contender, with the one that it is compared to. */
const contenders = new Map<ContenderName, ContenderName>([
  ['Latchkey, from PostgreSQL', 'pg, a query each'],
  ['pg, a query each', 'pg, a query each'],
  ['Latchkey, from Redis', 'ioredis, a get each'],
  ['ioredis, a get each', 'ioredis, a get each'],
  ['ioredis, a get each, auto pipelining', 'ioredis, a get each'],
])

/** Look-ups per second, the median over the rounds. */
interface Row {
  readonly name: ContenderName
  /** In a process that has just started, whose code runs for the first time. */
  readonly firstPass: number
  /** In a warm process, for tenants that are not in its memory. */
  readonly laterPasses: number
  readonly least: number
  readonly most: number
  /** `laterPasses` divided by that of the plain look-ups in the same place. */
  readonly ratio: number
  readonly cpuMicros: number
  /** The same ratio for look-ups per microsecond of CPU time. */
  readonly cpuRatio: number
}

const postgres = await startPostgres()
const redis = await startRedis()
try {
  const places = { databaseUrl: postgres.url, redisUrl: redis.url }
  const population = await createColdPopulation(places, tenants)
  const rows = rowsOf(await measure({ ...places, ...population }))
  await publish({
    name: 'cold',
    flags,
    results: { tenants, inFlight, rounds, rows },
    tables: [tableOf(rows)],
    bars: barsOf(rows),
  })
} finally {
  await redis.dispose()
  await postgres.dispose()
}

async function measure(
  setting: ColdPopulation & Pick<ColdTask, 'databaseUrl' | 'redisUrl'>,
): Promise<ReadonlyMap<ContenderName, readonly ColdResult[]>> {
  const results = new Map([...contenders.keys()].map((name) => [name, [] as ColdResult[]]))
  for (let round = 0; round < rounds; round += 1) {
    for (const [contender, own] of results) own.push(await perform({ ...setting, contender, inFlight, passes }))
  }
  return results
}

function perform(task: ColdTask): Promise<ColdResult> {
  return performInProcess(new URL('./contender.js', import.meta.url), task)
}

function rowsOf(results: ReadonlyMap<ContenderName, readonly ColdResult[]>): readonly Row[] {
  const figures = (name: ContenderName, figure: keyof ColdPass, from: number, to?: number) =>
    (results.get(name) ?? [])
      .flatMap(({ passes }) => passes.slice(from, to))
      .filter((pass) => isAsMeant(name, pass))
      .map((pass) => pass[figure])
  return [...contenders].map(([name, plain]) => {
    const rates = figures(name, 'perSecond', 1)
    const laterPasses = median(rates)
    const cpuMicros = median(figures(name, 'cpuMicros', 1))
    return {
      name,
      firstPass: median(figures(name, 'perSecond', 0, 1)),
      laterPasses,
      least: Math.min(...rates),
      most: Math.max(...rates),
      ratio: laterPasses / median(figures(plain, 'perSecond', 1)),
      cpuMicros,
      cpuRatio: median(figures(plain, 'cpuMicros', 1)) / cpuMicros,
    }
  })
}

/**
 * Returns whether the pass measured what its name says. On a machine so busy that the change feed
 * cannot prove itself in time, entries of Redis are not used and PostgreSQL is read instead.
 */
function isAsMeant(name: ContenderName, { storeReads }: ColdPass): boolean {
  return name !== 'Latchkey, from Redis' || storeReads === 0
}

function tableOf(all: readonly Row[]): Table {
  return {
    title: `${formatCount(tenants)} tenants that are not in memory, ${formatCount(inFlight)} look-ups in flight, median of ${rounds} rounds`,
    header: ['', 'per second', 'spread', 'ratio', 'first pass', 'CPU each', 'ratio'],
    rows: all.map((row) => [
      row.name,
      formatCount(row.laterPasses),
      `${formatCount(row.least)} to ${formatCount(row.most)}`,
      `${row.ratio.toFixed(2)} ×`,
      formatCount(row.firstPass),
      `${row.cpuMicros.toFixed(1)} µs`,
      `${row.cpuRatio.toFixed(2)} ×`,
    ]),
  }
}

function barsOf(all: readonly Row[]): readonly Bar[] {
  const bar = (name: ContenderName, wanted: number): Bar => ({
    what: `${name}: tenants verified`,
    wanted,
    measured: all.find((row) => row.name === name)?.laterPasses ?? Number.NaN,
    unit: 'a second',
  })
  return [bar('Latchkey, from PostgreSQL', 20_000), bar('Latchkey, from Redis', 40_000)]
}
