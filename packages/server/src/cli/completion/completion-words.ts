import type { Command } from 'commander'

/** A word that can come next on a command line. */
export interface CompletionWord {
  readonly text: string
  readonly description: string
}

/** The words that can follow a command. */
export interface CompletionPlace {
  /** The command without the program's name, such as `users list`; empty for the program itself. */
  readonly path: string
  /** The command takes arguments, so that its options may come after other words. */
  readonly isLeaf: boolean
  readonly words: readonly CompletionWord[]
}

/** Returns every command of the program with the words that can follow it. */
export function completionPlaces(command: Command, path: readonly string[] = []): readonly CompletionPlace[] {
  const choices = command.registeredArguments.flatMap(({ argChoices = [], description }) =>
    argChoices.map((text) => ({ text, description })),
  )
  const options = command
    .createHelp()
    .visibleOptions(command)
    .flatMap(({ long, description }) => (long ? [{ text: long, description }] : []))
  const names = command.commands.map((child) => ({ text: child.name(), description: child.description() }))
  const place = { path: path.join(' '), isLeaf: names.length === 0, words: [...names, ...choices, ...options] }
  return [place, ...command.commands.flatMap((child) => completionPlaces(child, [...path, child.name()]))]
}
