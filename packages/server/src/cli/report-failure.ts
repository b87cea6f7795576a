import { isLatchkeyError } from 'latchkey'
import { ConfigurationError } from '../config/configuration.js'
import { Problem } from '../problem.js'
import { StartupFailure } from '../startup-failure.js'

/** Where failures are told. */
interface Output {
  write(text: string): unknown
}

/** EX_CONFIG of sysexits.h: the same start will fail again, so that a supervisor need not try. */
const EXIT_CONFIGURATION = 78
const EXIT_FAILURE = 1

/** Tells why a command failed, with a stable code and what to do, and gives the exit code. Only a bug of ours shows its stack. */
export function reportFailure(error: unknown, output: Output): number {
  if (error instanceof ConfigurationError) {
    const lines = error.problems.map(({ name, problem, remedy }) => `  ${name}: ${problem}.\n    ${remedy}\n`)
    output.write(`latchkey: ${error.code}: the environment cannot be used.\n${lines.join('')}`)
    return EXIT_CONFIGURATION
  }
  if (error instanceof StartupFailure || error instanceof Problem || isLatchkeyError(error)) {
    output.write(`latchkey: ${error.code}: ${error.message}\n${causeOf(error)}  ${error.hint}\n`)
    return EXIT_FAILURE
  }
  const trace = error instanceof Error ? (error.stack ?? error.message) : String(error)
  output.write(`latchkey: internal_error: this is a defect of the program; please report it.\n${trace}\n`)
  return EXIT_FAILURE
}

/** What lies at the bottom, such as "connect ECONNREFUSED": the layers between say less than the code does. */
function causeOf({ cause }: Error): string {
  if (!(cause instanceof Error)) return ''
  if (cause.cause instanceof Error) return causeOf(cause)
  // Node gathers the failures of several addresses in an error that itself says nothing.
  const messages = cause instanceof AggregateError ? cause.errors.map(String) : [cause.message]
  return `  (${messages.join('; ')})\n`
}
