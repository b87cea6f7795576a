import { createProgram } from './program.js'
import { reportFailure } from './report-failure.js'
import type { Surroundings } from './surroundings.js'

/** Runs the command line `latchkey …`. Failures are told on standard error, with a code and a hint, and make the exit code. */
export async function main(surroundings: Surroundings): Promise<void> {
  // Whatever is made from here on holds secrets or hashes.
  surroundings.umask(0o077)
  try {
    await createProgram(surroundings).parseAsync(surroundings.argv)
  } catch (error) {
    surroundings.exitCode = reportFailure(error, surroundings.stderr)
  }
}
