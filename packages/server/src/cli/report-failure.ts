import { CommanderError } from 'commander'
import { isFailure } from 'latchkey'
import { ConfigurationError } from '../config/configuration-error.js'
import { StartupFailure } from '../startup-failure.js'
import { exitCodes } from './exit-codes.js'

/** The stream that failures are written to. */
interface Output {
  write(text: string): unknown
}

/**
 * Writes why a command failed, with a stable code and what to do. Only a defect of this program
 * shows its stack.
 *
 * @returns the exit code
 */
export function reportFailure(error: unknown, output: Output): number {
  // The parser has written the message or the help already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage
  if (error instanceof ConfigurationError) {
    const lines = error.problems.map(({ name, problem, remedy }) => `  ${name}: ${problem}.\n    ${remedy}\n`)
    output.write(`latchkey: ${error.code}: the environment cannot be used.\n${lines.join('')}`)
    return exitCodes.configuration
  }
  if (error instanceof StartupFailure || isFailure(error)) {
    output.write(`latchkey: ${error.code}: ${error.message}\n${causeOf(error)}  ${error.hint}\n`)
    return exitCodeOf(error.code)
  }
  const trace = error instanceof Error ? (error.stack ?? error.message) : String(error)
  output.write(`latchkey: internal_error: this is a defect of the program; please report it.\n${trace}\n`)
  return exitCodes.failed
}

function exitCodeOf(code: string): number {
  if (code === 'command_refused') return exitCodes.usage
  return code === 'interrupted' ? exitCodes.interrupted : exitCodes.failed
}

/**
 * Returns the innermost cause, such as "connect ECONNREFUSED": the layers between repeat the code.
 */
function causeOf({ cause }: Error): string {
  if (!(cause instanceof Error)) return ''
  if (cause.cause instanceof Error) return causeOf(cause)
  // Node puts the failures of several addresses into an error without a message of its own.
  const messages = cause instanceof AggregateError ? cause.errors.map(String) : [cause.message]
  return `  (${messages.join('; ')})\n`
}
