import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { constants, setPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { requireProgram } from './installed-program.js'

/** What SPIN has found out about a model. */
export interface Verification {
  /** The assertion that failed first, as SPIN prints it; `undefined` when all held. */
  readonly violated: string | undefined
  /** Whether every reachable state was looked at: none skipped, no path cut off. */
  readonly isExhaustive: boolean
  /** States that were told apart. */
  readonly states: number
}

/** How to verify a model. */
export interface VerifyOptions {
  /** Names that the model's preprocessor finds defined, some with a value: `VERSIONS=3`. */
  readonly definitions: readonly string[]
  /** Worth it for many states: compiling takes longer, searching less. */
  readonly optimised: boolean
}

const megabytes = 2000
const longestPath = 100_000

/** Checks the assertions of a model in Promela in every state that it can reach. Where `spin` or `gcc` is missing they are installed on Debian as root; elsewhere this fails. */
export async function verify(model: URL, { definitions, optimised }: VerifyOptions): Promise<Verification> {
  requireProgram('spin', 'spin')
  requireProgram('gcc', 'gcc libc6-dev')
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-model-'))
  try {
    await run(folder, 'spin', ['-a', ...definitions.map((name) => `-D${name}`), fileURLToPath(model)])
    // Safety properties only; without partial order reduction, which finds nothing to leave out where all steps share their variables.
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
  // Whatever else runs on this machine has its turn first.
  if (running.child.pid !== undefined) setPriority(running.child.pid, constants.priority.PRIORITY_BELOW_NORMAL)
  const { stdout } = await running
  return stdout
}
