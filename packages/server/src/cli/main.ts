import type { CommandContext } from './command-context.js'
import { createProgram } from './program.js'
import { reportFailure } from './report-failure.js'

/** Runs the command line `latchkey …`. Failures are told on standard error, with a code and a hint, and make the exit code. */
export async function main(context: CommandContext): Promise<void> {
  // Whatever is made from here on holds secrets or hashes.
  context.umask(0o077)
  try {
    await createProgram(context).parseAsync(context.argv)
  } catch (error) {
    context.exitCode = reportFailure(error, context.stderr)
  }
}
