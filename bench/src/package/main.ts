import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { minifiedSize } from '../minified-size.js'
import { benchFlags, publish } from '../publish.js'
import { median } from '../statistics.js'
import { formatCount, type Table } from '../table.js'

// The minified size of each subpath of the library, and the time that a process takes to load it.

const flags = benchFlags()
const rounds = flags.quick ? 3 : 15
const folder = new URL('../../../../../packages/latchkey/', import.meta.url)

interface Row {
  readonly subpath: string
  readonly bytes: number
  readonly gzipBytes: number
  readonly loadMs: number
}

const { exports } = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8')) as {
  exports: Record<string, string | { readonly import: { readonly default: string } }>
}
const entries = Object.entries(exports).flatMap(([subpath, to]) =>
  typeof to === 'string' ? [] : [[subpath, to.import.default] as const],
)
const idleMs = loadTime('')
const rows: Row[] = []
for (const [subpath, file] of entries) rows.push(await measure(subpath, new URL(file, folder)))
await publish({
  name: 'subpaths',
  document: 'docs/guides/releasing.md',
  flags,
  results: { rounds, rows },
  tables: [tableOf(rows)],
})

async function measure(subpath: string, file: URL): Promise<Row> {
  const { minified, gzipped } = await minifiedSize(fileURLToPath(file))
  const loadMs = Math.max(0, loadTime(`await import(${JSON.stringify(file.href)})`) - idleMs)
  return { subpath, bytes: minified, gzipBytes: gzipped, loadMs }
}

/** Returns the median run time of a process that runs only this text, in milliseconds. */
function loadTime(text: string): number {
  const times = Array.from({ length: rounds }, () => {
    const from = performance.now()
    execFileSync(process.execPath, ['--input-type=module', '--eval', text])
    return performance.now() - from
  })
  return median(times)
}

function tableOf(all: readonly Row[]): Table {
  return {
    title: 'Each subpath of the library, with its imports from the others',
    header: ['', 'minified bytes', 'gzip', 'ms to load'],
    rows: all.map(({ subpath, bytes, gzipBytes, loadMs }) => [
      subpath.replace(/^\./, 'latchkey'),
      formatCount(bytes),
      formatCount(gzipBytes),
      loadMs.toFixed(0),
    ]),
  }
}
