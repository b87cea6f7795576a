import { mkdir, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { type Bar, barTable } from './bars.js'
import { fillBlock } from './documents.js'
import { formatTable, markdownTable, type Table } from './table.js'

/** How a bench was asked to run. */
export interface BenchFlags {
  /** Fewer samples, so that it ends within 45 seconds. */
  readonly quick: boolean
  /** Print the results as JSON instead of as a table. */
  readonly json: boolean
}

/** What one must know of the machine to believe a figure. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly node: string
}

/** What a bench found out. */
export interface Findings<Results extends object> {
  /** Names the file that the results are kept in, and their place in the document. */
  readonly name: string
  /** Where they stand for readers; default `docs/performance.md`. */
  readonly document?: string
  readonly flags: BenchFlags
  readonly results: Results
  /** The same for people. */
  readonly tables: readonly Table[]
  readonly bars?: readonly Bar[]
  /** What of it stands in the README as well. */
  readonly summary?: readonly Table[]
}

const resultsFolder = new URL('../../../results/', import.meta.url)

/** Reads `--quick` and `--json`; fails for anything else. */
export function benchFlags(): BenchFlags {
  const { values } = parseArgs({
    options: { quick: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
  })
  return values
}

/** Keeps the findings as `bench/results/<name>.json` and prints them. Those of a run that was not quick replace the ones in the documents. */
export async function publish<Results extends object>(findings: Findings<Results>): Promise<void> {
  const { name, document = 'docs/performance.md', flags, results, bars = [] } = findings
  const tables = bars.length === 0 ? findings.tables : [...findings.tables, barTable(bars)]
  const machine = thisMachine()
  const date = new Date().toISOString()
  const report = { bench: name, date, quick: flags.quick, machine, bars, ...results }
  await mkdir(resultsFolder, { recursive: true })
  await writeFile(new URL(`${name}.json`, resultsFolder), `${JSON.stringify(report, null, 2)}\n`)
  const head = `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}${flags.quick ? ', quick form' : ''}`
  console.log(flags.json ? JSON.stringify(report) : [head, ...tables.map(formatTable)].join('\n\n'))
  if (flags.quick) return
  const caption = `<sub>${head}, ${date.slice(0, 10)}; written by the bench from bench/results/${name}.json.</sub>`
  const figures = (shown: readonly Table[]) => [...shown.map(markdownTable), caption].join('\n\n')
  await fillBlock(document, `figures:${name}`, figures(tables))
  if (findings.summary !== undefined) await fillBlock('README.md', `bench:${name}`, figures(findings.summary))
}

function thisMachine(): Machine {
  return { cpu: cpus()[0]?.model.trim() ?? 'unknown', cores: availableParallelism(), node: process.version }
}
