import { AsyncLocalStorage } from 'node:async_hooks'
import pg from 'pg'

type Query = (this: object, ...args: unknown[]) => unknown

/**
 * Records the statements that this process sends to PostgreSQL on behalf of one call, and none of
 * other requests or background jobs. It changes no statement.
 */
export class Statements {
  readonly #calls = new AsyncLocalStorage<string[]>()
  readonly #query: Query

  private constructor() {
    this.#query = pg.Client.prototype.query as unknown as Query
  }

  static start(): Statements {
    const statements = new Statements()
    const calls = statements.#calls
    const query = statements.#query
    Object.assign(pg.Client.prototype, {
      query(this: object, ...args: unknown[]) {
        const [first] = args
        const text = typeof first === 'string' ? first : (first as { text: string }).text
        calls.getStore()?.push(text.replaceAll(/\s+/g, ' ').trim())
        return query.apply(this, args)
      },
    })
    return statements
  }

  stop(): void {
    Object.assign(pg.Client.prototype, { query: this.#query })
  }

  /** Returns the result of a call in this process, and the statements that it has sent. */
  async of<T>(call: () => Promise<T>): Promise<{ result: T; sent: readonly string[] }> {
    const texts: string[] = []
    // Awaited inside, because `inject` of Fastify begins when its result is awaited.
    const result = await this.#calls.run(texts, async () => await call())
    return { result, sent: [...texts] }
  }
}
