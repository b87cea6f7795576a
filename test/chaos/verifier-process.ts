import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Answer, Asked, Question, VerifierSetup } from './messages.js'

const loader = new URL('../support/typescript-loader.mjs', import.meta.url).href
const program = fileURLToPath(new URL('./verifier.ts', import.meta.url))

/** A verifier in a process of its own. */
export class VerifierProcess {
  readonly name: string
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, (answer: Answer | undefined) => void>()
  #lastId = 0
  #isToEnd = false
  #hasDied = false

  private constructor(name: string, setup: VerifierSetup) {
    this.name = name
    this.#child = fork(program, [JSON.stringify(setup)], { execArgv: ['--import', loader] })
    this.#child.on('message', (answer: Answer) => this.#settle(answer.id, answer))
    this.#child.on('exit', () => {
      this.#hasDied = !this.#isToEnd
      for (const id of this.#waiting.keys()) this.#settle(id, undefined)
    })
  }

  /** Starts one, and waits until it listens, or has said that it cannot yet. */
  static async start(name: string, setup: VerifierSetup): Promise<VerifierProcess> {
    const verifier = new VerifierProcess(name, setup)
    await new Promise((resolve) => verifier.#waiting.set(0, resolve))
    return verifier
  }

  /** Whether it ended without being told to. */
  get hasDied(): boolean {
    return this.#hasDied
  }

  /** Its answer; `undefined` when it died before it gave one. */
  ask(question: Question): Promise<Answer | undefined> {
    this.#lastId += 1
    const asked: Asked = { id: this.#lastId, question }
    return new Promise((resolve) => {
      this.#waiting.set(asked.id, resolve)
      if (!this.#child.connected) this.#settle(asked.id, undefined)
      else this.#child.send(asked, (error) => error && this.#settle(asked.id, undefined))
    })
  }

  /** Stops it in its tracks. */
  pause(): void {
    this.#child.kill('SIGSTOP')
  }

  resume(): void {
    this.#child.kill('SIGCONT')
  }

  async kill(): Promise<void> {
    this.#isToEnd = true
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exit = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exit
  }

  #settle(id: number, answer: Answer | undefined): void {
    this.#waiting.get(id)?.(answer)
    this.#waiting.delete(id)
  }
}
