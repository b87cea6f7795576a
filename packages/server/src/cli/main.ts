import type { CommandContext } from './command-context.js'
import { createProgram } from './program.js'
import { reportFailure } from './report-failure.js'

/** Runs the command line `latchkey …`. A failure sets the exit code; see `reportFailure`. */
export async function main(context: CommandContext): Promise<void> {
  // Files that commands create hold secrets or hashes.
  context.umask(0o077)
  try {
    await createProgram(context).parseAsync(context.argv)
  } catch (error) {
    context.exitCode = reportFailure(error, context.stderr)
  }
}
