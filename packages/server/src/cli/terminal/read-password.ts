import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { StartupFailure } from '../../startup-failure.js'
import type { CommandContext } from '../command-context.js'

/**
 * Reads a password: from a terminal without echo, else all of standard input without the last line
 * end.
 */
export async function readPassword(prompt: string, { stdin, stderr }: CommandContext): Promise<string> {
  if (!stdin.isTTY) return (await text(stdin)).replace(/\r?\n$/, '')
  stderr.write(prompt)
  // readline echoes to its output, so it gets one that shows nothing.
  const output = new Writable({ write: (_chunk, _encoding, done) => done() })
  const terminal = createInterface({ input: stdin, output, terminal: true })
  try {
    return await new Promise<string>((resolve, reject) => {
      terminal.once('SIGINT', () => reject(cancelled()))
      terminal.once('close', () => reject(cancelled()))
      terminal.question('').then(resolve, reject)
    })
  } finally {
    terminal.close()
    stderr.write('\n')
  }
}

function cancelled(): StartupFailure {
  return new StartupFailure('command_refused', 'No password was entered.', 'Run the command again and type one.')
}
