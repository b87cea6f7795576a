import { mkdir, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { type Bar, barTable } from './bars.js'
import { fillBlock } from './documents.js'
import { formatTable, markdownTable, type Table } from './table.js'

/** The command-line options of a bench. */
export interface BenchFlags {
  /** Takes fewer samples, so that the bench ends within 45 seconds. */
  readonly quick: boolean
  /** Prints the results as JSON instead of as tables. */
  readonly json: boolean
  /** Only prints, and writes neither results nor documents. */
  readonly printOnly: boolean
}

/** The machine, without which a figure means little. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly node: string
}

/** The findings of a bench. */
export interface Findings<Results extends object> {
  /** Names the file of the results and their block in the document. */
  readonly name: string
  /** The document that shows the tables. @defaultValue `docs/reference/benchmarks.md` */
  readonly document?: string
  readonly flags: BenchFlags
  readonly results: Results
  /** The results as tables. */
  readonly tables: readonly Table[]
  readonly bars?: readonly Bar[]
  /** Tables that the README shows as well. */
  readonly summary?: readonly Table[]
  /** The versions of Node that were measured. @defaultValue the version of this process */
  readonly nodes?: readonly string[]
}

const resultsFolder = new URL('../../../results/', import.meta.url)

/** The declarations of the flags, for `parseArgs`. */
export const flagOptions = {
  quick: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  'print-only': { type: 'boolean', default: false },
} as const

/** Parses `--quick`, `--json` and `--print-only`. Throws for any other argument. */
export function benchFlags(): BenchFlags {
  const { quick, json, 'print-only': printOnly } = parseArgs({ options: flagOptions }).values
  return { quick, json, printOnly }
}

/**
 * Prints the findings, and writes them to `bench/results/<name>.json`. A run without `--quick` also
 * replaces the tables in the documents.
 */
export async function publish<Results extends object>(findings: Findings<Results>): Promise<void> {
  const { name, document = 'docs/reference/benchmarks.md', flags, results, bars = [] } = findings
  const tables = bars.length === 0 ? findings.tables : [...findings.tables, barTable(bars)]
  const machine = thisMachine(findings.nodes)
  const date = new Date().toISOString()
  const report = { bench: name, date, quick: flags.quick, machine, bars, ...results }
  const head = `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}${flags.quick ? ', quick form' : ''}`
  console.log(flags.json ? JSON.stringify(report) : [head, ...tables.map(formatTable)].join('\n\n'))
  if (flags.printOnly) return
  await mkdir(resultsFolder, { recursive: true })
  await writeFile(new URL(`${name}.json`, resultsFolder), `${JSON.stringify(report, null, 2)}\n`)
  if (flags.quick) return
  const caption = `<sub>${head}, ${date.slice(0, 10)}; written by the bench from bench/results/${name}.json.</sub>`
  const figures = (shown: readonly Table[]) => [...shown.map(markdownTable), caption].join('\n\n')
  await fillBlock(document, `figures:${name}`, figures(tables))
  if (findings.summary !== undefined) await fillBlock('README.md', `bench:${name}`, figures(findings.summary))
}

function thisMachine(nodes: readonly string[] = [process.version]): Machine {
  return { cpu: cpus()[0]?.model.trim() ?? 'unknown', cores: availableParallelism(), node: nodes.join(', ') }
}
