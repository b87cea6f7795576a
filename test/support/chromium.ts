import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { requireProgram } from './installed-program.js'

interface Message {
  readonly id?: number
  readonly method?: string
  readonly result?: Record<string, unknown>
  readonly error?: { readonly message: string }
}

/**
 * One tab of a headless Chromium, controlled with the DevTools protocol through pipes: JSON texts
 * that end with NUL.
 */
export class Chromium {
  readonly #child: ChildProcess
  readonly #folder: string
  readonly #pipe: Writable
  readonly #waiting = new Map<number, (message: Message) => void>()
  readonly #listeners = new Map<string, () => void>()
  #session: string | undefined
  #lastId = 0

  private constructor(child: ChildProcess, folder: string) {
    this.#child = child
    this.#folder = folder
    this.#pipe = child.stdio[3] as Writable
    let rest = ''
    ;(child.stdio[4] as Readable).setEncoding('utf8').on('data', (chunk: string) => {
      const texts = (rest + chunk).split('\0')
      rest = texts.pop() ?? ''
      for (const text of texts) this.#receive(JSON.parse(text))
    })
  }

  static async start(): Promise<Chromium> {
    requireProgram('chromium', 'chromium')
    const folder = await mkdtemp(join(tmpdir(), 'latchkey-chromium-'))
    const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--remote-debugging-pipe']
    const child = spawn('chromium', [...flags, `--user-data-dir=${folder}`, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    })
    const browser = new Chromium(child, folder)
    const { targetId } = await browser.#send('Target.createTarget', { url: 'about:blank' })
    const { sessionId } = await browser.#send('Target.attachToTarget', { targetId, flatten: true })
    browser.#session = String(sessionId)
    await browser.#send('Page.enable')
    // The scripts of a test bypass the policy of the page.
    await browser.#send('Page.setBypassCSP', { enabled: true })
    return browser
  }

  /** Opens a page and waits until it is loaded. */
  async open(url: string): Promise<void> {
    const loaded = new Promise<void>((resolve) => this.#listeners.set('Page.loadEventFired', resolve))
    await this.#send('Page.navigate', { url })
    await loaded
  }

  /** Evaluates an expression in the page and returns its value. */
  async run(expression: string): Promise<unknown> {
    const answer = await this.#send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true })
    if (answer.exceptionDetails !== undefined) throw new Error(JSON.stringify(answer.exceptionDetails))
    return (answer.result as { readonly value?: unknown }).value
  }

  /** Sends a command of the DevTools protocol for the tab. */
  command(method: string, params: object): Promise<Record<string, unknown>> {
    return this.#send(method, params)
  }

  async close(): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.kill()
    await ended
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 })
  }

  #send(method: string, params: object = {}): Promise<Record<string, unknown>> {
    this.#lastId += 1
    const id = this.#lastId
    const session = this.#session === undefined ? {} : { sessionId: this.#session }
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ result, error }) =>
        error === undefined ? resolve(result ?? {}) : reject(new Error(error.message)),
      )
      this.#pipe.write(`${JSON.stringify({ id, method, params, ...session })}\0`)
    })
  }

  #receive(message: Message): void {
    if (message.method !== undefined) this.#listeners.get(message.method)?.()
    if (message.id === undefined) return
    this.#waiting.get(message.id)?.(message)
    this.#waiting.delete(message.id)
  }
}
