import { type FailureCode, isLatchkeyError, LatchkeyError } from '../../errors.js'
import { contentionPatienceMs } from '../sql/contention.js'
import type { SqlConnection } from '../sql/sql-database.js'
import type { PostgresClient, PostgresQuery } from './postgres-client.js'
import { failureOf, sqlStateOf } from './postgres-failure.js'
import { types } from './postgres-types.js'

/** The timeout of one statement: a half-open connection must not block its caller for ever. */
const queryTimeoutMs = 5000

/** Failures after which the connection is closed. */
const breaking: readonly FailureCode[] = ['store_unavailable', 'data_corrupt']

/** The SQLSTATE of `begin read write` on a standby. */
const readWriteUnsupported = '0A000'

/** Returns the name of the prepared statement for a text, or `undefined` to prepare none. */
export type StatementName = (text: string) => string | undefined

/** One connection of the pool. */
export class PostgresConnection implements SqlConnection {
  readonly #client: PostgresClient
  readonly #nameOf: StatementName
  #broken = false

  /**
   * `nameOf` must return one name for one text: the server identifies the prepared statement by it.
   */
  constructor(client: PostgresClient, nameOf: StatementName = () => undefined) {
    this.#client = client
    this.#nameOf = nameOf
  }

  /** Whether the connection must be closed. */
  get broken(): boolean {
    return this.#broken
  }

  /** Marks the connection as broken. */
  discard(): void {
    this.#broken = true
  }

  async query<Row extends object>(text: string, values: readonly unknown[] = []): Promise<{ rows: Row[] }> {
    // A statement without values is sent as one message, so preparing it saves nothing.
    const name = values.length === 0 ? undefined : this.#nameOf(text)
    const query = { text, values: [...values], types, query_timeout: queryTimeoutMs }
    const { rows } = await this.#run(name === undefined ? query : { ...query, name })
    return { rows: rows as Row[] }
  }

  async script(text: string): Promise<void> {
    await this.#run({ text })
  }

  async begin(): Promise<void> {
    // Overrides the defaults of the database: after waiting for a lock, a statement must see what
    // was committed meanwhile. The server ends a wait for a lock before this client times out, so
    // that no backend keeps waiting for a caller that has gone.
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
