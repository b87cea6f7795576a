import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Answer, Asked, Question, VerifierSetup } from './messages.js'

const loader = new URL('../support/typescript-loader.mjs', import.meta.url).href
const plantedBugs = new URL('./planted-bugs.mjs', import.meta.url).href
const program = fileURLToPath(new URL('./verifier.ts', import.meta.url))

/** Far longer than any fault and any timeout of the library. */
const longestAnswerMs = 60_000

/** The post of a process, and its number among the processes of the post. */
export interface Placement {
  readonly post: string
  readonly start?: number
}

/** A verifier in a separate process. */
export class VerifierProcess {
  /** The post of the process. */
  readonly post: string
  /** Unique for each process. */
  readonly name: string
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, (answer: Answer | undefined) => void>()
  #lastId = 0
  #isStopping = false
  #hasDied = false

  private constructor({ post, start }: Placement, setup: VerifierSetup) {
    this.post = post
    this.name = start === undefined ? post : `${post}.${start}`
    const { plant } = setup
    const execArgv = plant === undefined ? ['--import', loader] : ['--import', loader, '--import', plantedBugs]
    this.#child = fork(program, [JSON.stringify(setup)], { execArgv, env: { ...process.env, CHAOS_PLANT: plant } })
    this.#child.on('message', (answer: Answer) => this.#settle(answer.id, answer))
    this.#child.on('exit', () => {
      this.#hasDied = !this.#isStopping
      for (const id of this.#waiting.keys()) this.#settle(id, undefined)
    })
  }

  /**
   * Starts a process, and resolves once it listens, or has reported that it cannot yet. Rejects
   * when the process ends before that, after it has printed the reason.
   */
  static async start(placement: Placement, setup: VerifierSetup): Promise<VerifierProcess> {
    const verifier = new VerifierProcess(placement, setup)
    await new Promise((resolve) => verifier.#waiting.set(0, resolve))
    if (verifier.hasDied) throw new Error(`${verifier.name} ended before it was up.`)
    return verifier
  }

  /** Whether the process ended without a request to do so. */
  get hasDied(): boolean {
    return this.#hasDied
  }

  /**
   * Returns the answer of the process; `undefined` when it died before its answer. Rejects after a
   * timeout.
   */
  ask(question: Question): Promise<Answer | undefined> {
    this.#lastId += 1
    const asked: Asked = { id: this.#lastId, question }
    return new Promise((resolve, reject) => {
      const fail = () => reject(new Error(`${this.name} did not answer: ${question.kind}.`))
      const overdue = setTimeout(fail, longestAnswerMs)
      this.#waiting.set(asked.id, (answer) => {
        clearTimeout(overdue)
        resolve(answer)
      })
      if (!this.#child.connected) this.#settle(asked.id, undefined)
      else this.#child.send(asked, (error) => error && this.#settle(asked.id, undefined))
    })
  }

  /** Suspends the process. */
  pause(): void {
    this.#child.kill('SIGSTOP')
  }

  resume(): void {
    this.#child.kill('SIGCONT')
  }

  async kill(): Promise<void> {
    this.#isStopping = true
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
