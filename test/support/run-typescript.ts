import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** Another process that runs a TypeScript file of this project. */
export interface TypeScriptProcess {
  readonly child: ChildProcess
  /** The lines of standard output so far. */
  readonly lines: readonly string[]
  /**
   * Resolves with the first line that starts with `start`; rejects when the process ends without
   * it.
   */
  line(start: string): Promise<string>
  /**
   * Resolves with the exit code, or the signal that killed the process, once all its output is
   * read.
   */
  readonly ended: Promise<number | NodeJS.Signals>
}

/** Starts `file` in a separate process, which inherits standard error. */
export function runTypeScript(file: URL, args: readonly string[]): TypeScriptProcess {
  const loader = new URL('./typescript-loader.mjs', import.meta.url).href
  const child = spawn(process.execPath, ['--import', loader, fileURLToPath(file), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const reader = createInterface({ input: child.stdout })
  const lines: string[] = []
  reader.on('line', (line) => lines.push(line))
  const ended = once(child, 'close').then(([code, signal]: (number | NodeJS.Signals)[]) => code ?? signal ?? 0)
  const line = async (start: string): Promise<string> => {
    for (;;) {
      const found = lines.find((candidate) => candidate.startsWith(start))
      if (found !== undefined) return found
      const event = await Promise.race([once(reader, 'line'), ended])
      if (!Array.isArray(event) && !lines.some((candidate) => candidate.startsWith(start))) {
        throw new Error(`The process ended (${event}) before it wrote "${start}".`)
      }
    }
  }
  return { child, lines, line, ended }
}
