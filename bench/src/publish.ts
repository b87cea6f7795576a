import { mkdir, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus } from 'node:os'
import { parseArgs } from 'node:util'

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
  /** Names the file that the results are kept in. */
  readonly name: string
  readonly flags: BenchFlags
  readonly results: Results
  /** The same for people. */
  readonly text: string
}

const resultsFolder = new URL('../../../results/', import.meta.url)

/** Reads `--quick` and `--json`; fails for anything else. */
export function benchFlags(): BenchFlags {
  const { values } = parseArgs({
    options: { quick: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
  })
  return values
}

/** Keeps the findings as `bench/results/<name>.json` and prints them. */
export async function publish<Results extends object>({
  name,
  flags,
  results,
  text,
}: Findings<Results>): Promise<void> {
  const machine = thisMachine()
  const report = { bench: name, date: new Date().toISOString(), quick: flags.quick, machine, ...results }
  await mkdir(resultsFolder, { recursive: true })
  await writeFile(new URL(`${name}.json`, resultsFolder), `${JSON.stringify(report, null, 2)}\n`)
  const head = `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}${flags.quick ? ', quick form' : ''}`
  console.log(flags.json ? JSON.stringify(report) : `${head}\n\n${text}`)
}

function thisMachine(): Machine {
  return { cpu: cpus()[0]?.model.trim() ?? 'unknown', cores: availableParallelism(), node: process.version }
}
