import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const bin = fileURLToPath(new URL('../../bin/latchkey.js', import.meta.url))

/** The result of a command. */
export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A process that runs `latchkey …`. */
export class Command {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>
  readonly #finished: Promise<Finished>
  #printed = ''

  constructor(args: readonly string[], env: Record<string, string>, input = '') {
    this.#child = spawn(process.execPath, [bin, ...args], {
      env: { PATH: process.env.PATH, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.#child.stdout.on('data', (chunk) => (this.#printed += chunk))
    this.#child.stdin.end(input)
    this.#finished = Promise.all([once(this.#child, 'close'), text(this.#child.stderr)]).then(([[code], stderr]) => ({
      code,
      stdout: this.#printed,
      stderr,
    }))
  }

  /** The output so far. */
  get printed(): string {
    return this.#printed
  }

  /** The number of threads of the process (Linux). */
  get threads(): number {
    return readdirSync(`/proc/${this.#child.pid}/task`).length
  }

  get finished(): Promise<Finished> {
    return this.#finished
  }

  /** Waits until the output matches. */
  async prints(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.#printed)) {
      if (this.#child.exitCode !== null) throw new Error(`It ended: ${(await this.#finished).stderr}`)
      await sleep(10)
    }
    return this.#printed
  }

  /** Sends a signal to the process, and waits for its end. */
  async stop(signal: 'SIGINT' | 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<Finished> {
    this.#child.kill(signal)
    return this.#finished
  }
}
