import { type FailureCode, isLatchkeyError, LatchkeyError } from '../../errors.js'
import { contentionPatienceMs } from '../sql/contention.js'
import type { SqlConnection } from '../sql/sql-database.js'
import type { PostgresClient, PostgresQuery } from './postgres-client.js'
import { failureOf, sqlStateOf } from './postgres-failure.js'
import { types } from './postgres-types.js'

/** How long one statement may take, so that a connection that is only half there does not hold its caller for ever. */
const queryTimeoutMs = 5000

/** Failures after which the connection is not used again. */
const breaking: readonly FailureCode[] = ['store_unavailable', 'data_corrupt']

/** The SQLSTATE of `begin read write` on a standby. */
const readWriteUnsupported = '0A000'

/** The name under which the server is to keep a statement; `undefined` for none. */
export type StatementName = (text: string) => string | undefined

/** One connection of the pool. */
export class PostgresConnection implements SqlConnection {
  readonly #client: PostgresClient
  readonly #nameOf: StatementName
  #broken = false

  /** A statement that `nameOf` gives a name, which is for its text alone, the server knows by it from the second time on. */
  constructor(client: PostgresClient, nameOf: StatementName = () => undefined) {
    this.#client = client
    this.#nameOf = nameOf
  }

  /** True once the connection may not be used again. */
  get broken(): boolean {
    return this.#broken
  }

  /** The connection is not used again. */
  discard(): void {
    this.#broken = true
  }

  async query<Row extends object>(text: string, values: readonly unknown[] = []): Promise<{ rows: Row[] }> {
    // Without values it is one message anyway.
    const name = values.length === 0 ? undefined : this.#nameOf(text)
    const query = { text, values: [...values], types, query_timeout: queryTimeoutMs }
    const { rows } = await this.#run(name === undefined ? query : { ...query, name })
    return { rows: rows as Row[] }
  }

  async script(text: string): Promise<void> {
    await this.#run({ text })
  }

  async begin(): Promise<void> {
    // Whatever the database's default: after waiting for a lock, a statement must see what was committed meanwhile.
    // The server ends a wait for a lock before this side gives up, so that no backend goes on waiting for a caller that has left.
    const text = `begin isolation level read committed read write; set local lock_timeout to ${contentionPatienceMs}`
    try {
      await this.#run({ text, query_timeout: queryTimeoutMs })
    } catch (error) {
      if (sqlStateOf(error) !== readWriteUnsupported) throw error
      const cause = new Error('This server is a standby, which only reads.', { cause: error })
      throw new LatchkeyError('store_unavailable', { cause })
    }
  }

  async commit(): Promise<void> {
    await this.query('commit')
  }

  async rollback(): Promise<void> {
    try {
      if (!this.#broken) await this.query('rollback')
    } catch {
      this.#broken = true
    }
  }

  async #run(query: PostgresQuery): Promise<{ rows: object[] }> {
    try {
      return await this.#client.query(query)
    } catch (error) {
      const failure = failureOf(error)
      if (isLatchkeyError(failure) && breaking.includes(failure.code)) this.#broken = true
      throw failure
    }
  }
}
