import { createInterface } from 'node:readline/promises'
import { StartupFailure } from '../../startup-failure.js'
import type { CommandContext } from '../command-context.js'

/** The option of a command that asks before it acts. */
export const yesOption = ['--yes', 'do it without asking; needed where nobody can be asked'] as const

/** Goes on once somebody at the terminal has said yes, or at once with `--yes`. Throws `command_refused` otherwise, and where nobody can be asked. */
export async function confirm(
  question: string,
  { yes }: { readonly yes?: boolean },
  { stdin, stderr }: CommandContext,
): Promise<void> {
  if (yes === true) return
  if (!stdin.isTTY)
    throw refused('This needs a confirmation, and standard input is no terminal.', 'Add --yes to do it.')
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
