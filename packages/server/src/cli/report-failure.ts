import { CommanderError } from 'commander'
import { isLatchkeyError } from 'latchkey'
import { ConfigurationError } from '../config/configuration-error.js'
import { Problem } from '../problem.js'
import { StartupFailure } from '../startup-failure.js'
import { exitCodes } from './exit-codes.js'

/** Where failures are told. */
interface Output {
  write(text: string): unknown
}

/** Tells why a command failed, with a stable code and what to do, and gives the exit code. Only a bug of ours shows its stack. */
export function reportFailure(error: unknown, output: Output): number {
  // The parser has said what is wrong already, or has printed the help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage
  if (error instanceof ConfigurationError) {
    const lines = error.problems.map(({ name, problem, remedy }) => `  ${name}: ${problem}.\n    ${remedy}\n`)
    output.write(`latchkey: ${error.code}: the environment cannot be used.\n${lines.join('')}`)
    return exitCodes.configuration
  }
  if (error instanceof StartupFailure || error instanceof Problem || isLatchkeyError(error)) {
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

/** What lies at the bottom, such as "connect ECONNREFUSED": the layers between say less than the code does. */
function causeOf({ cause }: Error): string {
  if (!(cause instanceof Error)) return ''
  if (cause.cause instanceof Error) return causeOf(cause)
  // Node gathers the failures of several addresses in an error that itself says nothing.
  const messages = cause instanceof AggregateError ? cause.errors.map(String) : [cause.message]
  return `  (${messages.join('; ')})\n`
}
