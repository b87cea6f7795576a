import type { Bar } from '../bars.js'
import { performInProcess } from '../perform-in-process.js'
import { benchFlags, publish } from '../publish.js'
import { formatCount, type Table } from '../table.js'
import type { MemoryResult, MemoryTask } from './messages.js'

// The memory that a cached tenant takes, and that a remembered verdict takes.

const flags = benchFlags()
/**
 * A map doubles its capacity when it is full. A million nearly fills it; a tenth more shows the
 * size just after doubling.
 */
const counts = flags.quick ? [100_000] : [100_000, 1_000_000, 1_100_000]

interface Row extends MemoryTask, MemoryResult {}

const rows: Row[] = []
for (const kept of ['tenants', 'verdicts'] as const) {
  for (const count of counts) rows.push(await measure({ kept, count }))
}
await publish({ name: 'memory', flags, results: { rows }, tables: [tableOf(rows)], bars: barsOf(rows) })

async function measure(task: MemoryTask): Promise<Row> {
  const program = new URL('./measure-process.js', import.meta.url)
  const result = await performInProcess<MemoryTask, MemoryResult>(program, task, ['--expose-gc'])
  return { ...task, ...result }
}

function tableOf(all: readonly Row[]): Table {
  return {
    title: 'Memory of tenants and verdicts',
    header: ['', 'live', 'each', 'resident', 'each'],
    rows: all.map(({ kept, count, liveBytes, residentBytes }) => [
      `${formatCount(count)} ${kept}`,
      formatMegabytes(liveBytes),
      `${Math.round(liveBytes / count)} B`,
      formatMegabytes(residentBytes),
      `${Math.round(residentBytes / count)} B`,
    ]),
  }
}

/** Judges the live bytes only, because the runtime decides how much free heap it keeps besides. */
function barsOf(all: readonly Row[]): readonly Bar[] {
  const million = all.find(({ kept, count }) => kept === 'tenants' && count === 1_000_000)
  if (million === undefined) return []
  return [
    { what: 'a million tenants in memory', wanted: 300, measured: million.liveBytes / 1e6, atMost: true, unit: 'MB' },
  ]
}

function formatMegabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
