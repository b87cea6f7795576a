import { AsyncLocalStorage } from 'node:async_hooks'
import { interceptQueries } from './intercept-queries.js'

/**
 * Records the statements that this process sends to PostgreSQL on behalf of one call, and none of
 * other requests or background jobs. It changes no statement.
 */
export class Statements {
  readonly #calls = new AsyncLocalStorage<string[]>()
  readonly #stop = interceptQueries((send, _, [first]) => {
    const text = typeof first === 'string' ? first : (first as { text: string }).text
    this.#calls.getStore()?.push(text.replaceAll(/\s+/g, ' ').trim())
    return send()
  })

  static start(): Statements {
    return new Statements()
  }

  stop(): void {
    this.#stop()
  }

  /** Returns the result of a call in this process, and the statements that it has sent. */
  async of<T>(call: () => Promise<T>): Promise<{ result: T; sent: readonly string[] }> {
    const texts: string[] = []
    // Awaited inside, because `inject` of Fastify begins when its result is awaited.
    const result = await this.#calls.run(texts, async () => await call())
    return { result, sent: [...texts] }
  }
}
