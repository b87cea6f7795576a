import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../../test/support/free-port.js'

const probe = fileURLToPath(new URL('./probe.cjs', import.meta.url))
const pollMs = 2
const startTimeoutMs = 30_000

/** How to start a server under test. */
export interface Launch {
  readonly program: URL
  readonly args?: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly readyPath: string
}

/** The resources that a process has used so far. */
export interface Usage {
  readonly cpuMicros: number
  readonly rssBytes: number
}

/** A server under test, in a process of its own. */
export class ServedProcess {
  readonly url: string
  /** Milliseconds from the start of the process to the first 200 of its ready path. */
  readonly startMs: number
  readonly #child: ChildProcess
  readonly #errors: () => string

  private constructor(child: ChildProcess, start: { url: string; startMs: number; errors: () => string }) {
    this.#child = child
    this.url = start.url
    this.startMs = start.startMs
    this.#errors = start.errors
  }

  static async start({ program, args = [], env, readyPath }: Launch): Promise<ServedProcess> {
    const port = await freePort()
    const startedAt = performance.now()
    const child = fork(program, [...args], {
      execArgv: ['--require', probe],
      env: { PATH: process.env.PATH, NODE_ENV: 'production', HOST: '127.0.0.1', PORT: String(port), ...env },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    let errors = ''
    child.stderr?.on('data', (text) => (errors += String(text)))
    const url = `http://127.0.0.1:${port}`
    while (!(await isReady(url + readyPath))) {
      const gaveUp = performance.now() - startedAt > startTimeoutMs
      if (gaveUp) child.kill('SIGKILL')
      if (gaveUp || child.exitCode !== null) throw new Error(`${program.pathname} did not start: ${errors}`)
      await sleep(pollMs)
    }
    return new ServedProcess(child, { url, startMs: performance.now() - startedAt, errors: () => errors })
  }

  /** Throws with what the process has written to its standard error, if it has ended. */
  usage(): Promise<Usage> {
    return new Promise((resolve, reject) => {
      const child = this.#child
      const answer = (usage: Usage) => {
        child.off('exit', fail)
        resolve(usage)
      }
      const fail = () => {
        child.off('message', answer)
        reject(new Error(`A server ended during the measurement: ${this.#errors()}`))
      }
      if (!child.connected) return fail()
      child.once('message', answer)
      child.once('exit', fail)
      child.send('usage')
    })
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await ended
  }
}

async function isReady(url: string): Promise<boolean> {
  const response = await fetch(url).catch(() => undefined)
  await response?.body?.cancel()
  return response?.status === 200
}
