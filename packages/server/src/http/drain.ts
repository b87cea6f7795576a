import { setTimeout as sleep } from 'node:timers/promises'
import type { App } from './app.js'

/** How long stopping may take. */
export interface DrainOptions {
  /** Milliseconds for which requests are still taken, so that whoever sends them can learn that they should go elsewhere. */
  readonly delayMs: number
  /** Milliseconds after which connections are cut on which a request has still not ended. */
  readonly timeoutMs: number
}

/**
 * Stops an app in order: from the beginning it says that it is not ready and asks clients to connect anew, elsewhere; after the delay it takes no more
 * connections, and ends what is under way.
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
    // What is not listening has nobody to tell.
    if (delayMs > 0 && this.#app.server.listening) await sleep(delayMs)
    const timer = setTimeout(() => this.#app.server.closeAllConnections(), timeoutMs)
    try {
      await this.#app.close()
    } finally {
      clearTimeout(timer)
    }
  }
}
