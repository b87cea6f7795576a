import { Argument, type Command } from 'commander'
import type { CommandContext } from '../command-context.js'
import { bashScript } from './bash.js'
import { type CompletionPlace, completionPlaces } from './completion-words.js'
import { fishScript } from './fish.js'
import { zshScript } from './zsh.js'

const scripts: Readonly<Record<string, (places: readonly CompletionPlace[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
}

/** Adds `latchkey completion <shell>`. */
export function addCompletion(program: Command, { stdout }: CommandContext): void {
  program
    .command('completion')
    .description('print a script that completes commands and options in a shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(Object.keys(scripts)))
    .action((shell: string) => {
      stdout.write(scripts[shell]?.(completionPlaces(program)) ?? '')
    })
}
