import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { constants, setPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { requireProgram } from './installed-program.js'

/** The result of SPIN for a model. */
export interface Verification {
  /** The first violated assertion, as SPIN prints it; `undefined` when all hold. */
  readonly violated: string | undefined
  /** Whether every reachable state was searched: none skipped, no path truncated. */
  readonly isExhaustive: boolean
  /** The number of distinct states. */
  readonly states: number
}

/** Options of `verify`. */
export interface VerifyOptions {
  /** Definitions for the preprocessor of the model, some with a value: `VERSIONS=3`. */
  readonly definitions: readonly string[]
  /** Optimises the compiled model, which takes longer and pays off for many states. */
  readonly optimised: boolean
}

const megabytes = 2000
const longestPath = 100_000

/**
 * Checks the assertions of a Promela model in every reachable state. Installs `spin` and `gcc` on
 * Debian as root when they are missing; otherwise throws.
 */
export async function verify(model: URL, { definitions, optimised }: VerifyOptions): Promise<Verification> {
  requireProgram('spin', 'spin')
  requireProgram('gcc', 'gcc libc6-dev')
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-model-'))
  try {
    await run(folder, 'spin', ['-a', ...definitions.map((name) => `-D${name}`), fileURLToPath(model)])
    // The search covers safety properties. It has no partial order reduction, which saves nothing
    // where all steps share variables.
    const search = ['-DSAFETY', '-DNOREDUCE', `-DMEMLIM=${megabytes}`]
    await run(folder, 'gcc', [optimised ? '-O2' : '-O0', '-w', ...search, '-o', 'pan', 'pan.c'])
    return parse(await run(folder, './pan', [`-m${longestPath}`]))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function parse(report: string): Verification {
  const isComplete =
    report.includes('Full statespace search for:') && !/not completed|too small|memory limit/i.test(report)
  return {
    violated: /assertion violated (.+) \(at depth/.exec(report)?.[1],
    isExhaustive: isComplete && report.includes('errors: 0'),
    states: Number(/^\s*([\d.e+]+) states, stored/m.exec(report)?.[1]),
  }
}

async function run(folder: string, program: string, args: readonly string[]): Promise<string> {
  const running = promisify(execFile)(program, args, { cwd: folder })
  // Other processes of this machine have priority.
  if (running.child.pid !== undefined) setPriority(running.child.pid, constants.priority.PRIORITY_BELOW_NORMAL)
  const { stdout } = await running
  return stdout
}
