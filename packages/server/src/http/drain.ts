import { setTimeout as sleep } from 'node:timers/promises'
import type { App } from './app.js'

/** Times of a graceful stop. */
export interface DrainOptions {
  /** Milliseconds for which requests are still accepted, so that load balancers notice the stop. */
  readonly delayMs: number
  /** Milliseconds after which connections with an unfinished request are closed. */
  readonly timeoutMs: number
}

/**
 * Stops an app gracefully. At once, the app reports that it is not ready and asks clients to close
 * their connections. After the delay it accepts no more connections, and finishes the current
 * requests.
 */
export class Drain {
  readonly #app: App
  readonly #options: DrainOptions
  #ended: Promise<void> | undefined

  constructor(app: App, options: DrainOptions) {
    this.#app = app
    this.#options = options
    app.addHook('onSend', async (_request, reply) => {
      if (this.begun) reply.header('Connection', 'close')
    })
  }

  /** Whether the app is stopping. */
  get begun(): boolean {
    return this.#ended !== undefined
  }

  /** Stops the app. Calling twice is harmless. */
  run(): Promise<void> {
    this.#ended ??= this.#stop()
    return this.#ended
  }

  async #stop(): Promise<void> {
    const { delayMs, timeoutMs } = this.#options
    // An app that is not listening has no clients that need the delay.
    if (delayMs > 0 && this.#app.server.listening) await sleep(delayMs)
    const timer = setTimeout(() => this.#app.server.closeAllConnections(), timeoutMs)
    try {
      await this.#app.close()
    } finally {
      clearTimeout(timer)
    }
  }
}
