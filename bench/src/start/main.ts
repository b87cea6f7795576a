/**
 * `npm run bench:start`: the time from the command to the first answer, the time of an import, and
 * the size of the core.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Bar } from '../bars.js'
import { minifiedSize } from '../minified-size.js'
import { benchFlags, publish } from '../publish.js'
import { median } from '../statistics.js'
import type { Table } from '../table.js'
import { measureImport, measureStart } from './start-times.js'

const flags = benchFlags()
const starts = flags.quick ? 2 : 9
const imports = flags.quick ? 5 : 25

/** The times of repeated starts, in milliseconds. */
interface Row {
  readonly name: string
  readonly median: number
  readonly least: number
  readonly most: number
}

const folder = await mkdtemp(join(tmpdir(), 'latchkey-bench-'))
try {
  const env = { LATCHKEY_DATA_DIR: folder, LATCHKEY_ISSUER: 'http://localhost' }
  const serve = ['node', 'packages/server/bin/latchkey.js', 'serve']
  // The first start creates the database and is not counted.
  await measureStart(serve, env)
  const rows = [
    rowOf('npm start, until /readyz', await repeat(starts, () => measureStart(['npm', 'start'], env))),
    rowOf('latchkey serve, until /readyz', await repeat(starts, () => measureStart(serve, env))),
    rowOf('import of latchkey', await repeat(imports, () => measureImport('latchkey'))),
    rowOf(
      'import of node:crypto alone, included in the above',
      await repeat(imports, () => measureImport('node:crypto')),
    ),
  ]
  const size = await minifiedSize(fileURLToPath(import.meta.resolve('latchkey')))
  const bars: readonly Bar[] = [
    {
      what: 'npm start on existing data',
      wanted: 1500,
      measured: rows[0]?.median ?? Number.NaN,
      atMost: true,
      unit: 'ms',
    },
    { what: 'import of latchkey', wanted: 15, measured: rows[2]?.median ?? Number.NaN, atMost: true, unit: 'ms' },
    { what: 'core, minified', wanted: 88, measured: size.minified / 1000, atMost: true, unit: 'kB' },
  ]
  await publish({ name: 'start', flags, results: { starts, imports, rows, size }, tables: [tableOf(rows)], bars })
} finally {
  await rm(folder, { recursive: true, force: true })
}

async function repeat(count: number, measure: () => Promise<number>): Promise<readonly number[]> {
  const values: number[] = []
  for (let round = 0; round < count; round += 1) values.push(await measure())
  return values
}

function rowOf(name: string, values: readonly number[]): Row {
  return { name, median: median(values), least: Math.min(...values), most: Math.max(...values) }
}

function tableOf(rows: readonly Row[]): Table {
  return {
    title: 'Start-up and import',
    header: ['', 'median', 'spread'],
    rows: rows.map(({ name, median: middle, least, most }) => [
      name,
      `${middle.toFixed(1)} ms`,
      `${least.toFixed(1)} to ${most.toFixed(1)}`,
    ]),
  }
}
