import { type Command, CommanderError } from 'commander'
import { createProgram } from '../../packages/server/src/cli/program.js'

/** Errors that do not count for a text that names a command without its arguments. */
const shortened = [
  'commander.help',
  'commander.missingArgument',
  'commander.missingMandatoryOptionValue',
  'commander.optionMissingArgument',
]

/**
 * Returns why the program refuses a call, such as `users create ada@example.com --verified`;
 * `undefined` if it accepts the call.
 */
export function usageProblem(words: readonly string[]): string | undefined {
  const silent = { write: () => true }
  const program = createProgram({ stdout: silent, stderr: silent } as unknown as NodeJS.Process)
  doNothing(program)
  try {
    program.parse(['node', 'latchkey', ...words])
    return undefined
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return shortened.includes(error.code) ? undefined : `latchkey ${words.join(' ')}: ${error.message}`
  }
}

function doNothing(command: Command): void {
  command.exitOverride()
  command.configureOutput({ writeOut: () => {}, writeErr: () => {}, outputError: () => {} })
  if (command.commands.length === 0) command.action(() => {})
  for (const each of command.commands) doNothing(each)
}
