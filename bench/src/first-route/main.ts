/**
 * `npm run bench:first-route`: the lines, packages and seconds to the first protected route of each
 * framework, beside the library that its users know.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Bar } from '../bars.js'
import { benchFlags, publish } from '../publish.js'
import type { Table } from '../table.js'
import { countLines, type LineCount } from './count-lines.js'
import { type Framework, frameworks, isLatchkey, type Library } from './programs.js'
import { countPackagesOf, tryProgram } from './try-program.js'

interface Row extends LineCount {
  readonly framework: string
  readonly library: string
  /** The packages that are installed for the library. */
  readonly packages: number
  /** From the start of the installation to the last response. */
  readonly seconds: number
}

const repository = fileURLToPath(new URL('../../../../../', import.meta.url))
const flags = benchFlags()
const measured = flags.quick ? frameworks.slice(0, 1) : frameworks
const folder = await mkdtemp(join(tmpdir(), 'latchkey-packed-'))
const rows: Row[] = []
try {
  const packed = await pack(folder)
  for (const framework of measured) {
    const without = await countPackagesOf(framework.packages)
    for (const library of framework.libraries) rows.push(await measure(framework, library, { packed, without }))
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}
await publish({
  name: 'first-route',
  flags,
  results: { rows },
  tables: [tableOf(rows)],
  bars: rows.filter(({ library }) => library === 'latchkey').flatMap(barsOf),
})

/** Packs the library as npm publishes it, and returns the path of the file. */
async function pack(destination: string): Promise<string> {
  const args = ['pack', '--json', '--workspace', 'latchkey', '--pack-destination', destination]
  const { stdout } = await promisify(execFile)('npm', args, { cwd: repository })
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }]
  return join(destination, filename)
}

async function measure(
  { name, folder: programs, extension = 'mjs', packages }: Framework,
  library: Library,
  { packed, without }: { readonly packed: string; readonly without: number },
): Promise<Row> {
  const at = (file: string) => join(repository, 'bench/first-route', programs, `${file}.${extension}`)
  const [open, guarded] = await Promise.all(['open', library.file].map((file) => readFile(at(file), 'utf8')))
  const own = isLatchkey(library) ? [packed] : library.packages
  const attempt = await tryProgram(at(library.file), [...packages, ...own])
  return {
    framework: name,
    library: library.name,
    ...countLines(open ?? '', guarded ?? ''),
    packages: attempt.packages - without,
    seconds: attempt.seconds,
  }
}

function tableOf(all: readonly Row[]): Table {
  return {
    title: 'From an empty folder to the first protected route',
    header: ['', 'lines added', 'lines changed', 'packages added', 'seconds'],
    rows: all.map(({ framework, library, added, changed, packages, seconds }) => [
      `${framework}: ${library}`,
      String(added),
      String(changed),
      String(packages),
      seconds.toFixed(1),
    ]),
  }
}

function barsOf({ framework, added, seconds }: Row): readonly Bar[] {
  return [
    { what: `${framework}: lines added`, wanted: 5, measured: added, atMost: true, unit: 'lines' },
    { what: `${framework}: from an empty folder`, wanted: 180, measured: seconds, atMost: true, unit: 's' },
  ]
}
