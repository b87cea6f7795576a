import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const withNode = fileURLToPath(new URL('../../../../../scripts/with-node.mjs', import.meta.url))

/** Runs a compiled bench on a version of Node, and resolves with its report. */
export async function runBench<Report>(version: string, bench: string, flags: readonly string[]): Promise<Report> {
  const program = fileURLToPath(new URL(`../${bench}/main.js`, import.meta.url))
  const args = [withNode, version, 'node', program, '--json', '--print-only', ...flags]
  const { stdout } = await run(process.execPath, args, { maxBuffer: 64 << 20 })
  // The report is one line, after whatever else the bench prints.
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
}
