import { createInterface } from 'node:readline/promises'
import { StartupFailure } from '../../startup-failure.js'
import type { CommandContext } from '../command-context.js'

/** The option of a command that asks before it acts. */
export const yesOption = ['--yes', 'do not ask; required where standard input is not a terminal'] as const

/**
 * Returns once the person at the terminal has answered yes, or at once with `--yes`.
 *
 * @throws StartupFailure `command_refused` after another answer, and without a terminal
 */
export async function confirm(
  question: string,
  { yes }: { readonly yes?: boolean },
  { stdin, stderr }: CommandContext,
): Promise<void> {
  if (yes === true) return
  if (!stdin.isTTY) throw refused('This needs a confirmation, and standard input is not a terminal.', 'Add --yes.')
  const terminal = createInterface({ input: stdin, output: stderr })
  try {
    const answer = await terminal.question(`${question} [y/N] `)
    if (!/^y(es)?$/i.test(answer.trim())) throw refused('Nothing was done.', 'Answer "y" to do it.')
  } finally {
    terminal.close()
  }
}

function refused(message: string, hint: string): StartupFailure {
  return new StartupFailure('command_refused', message, hint)
}
