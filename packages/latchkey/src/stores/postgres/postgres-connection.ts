import { isLatchkeyError } from '../../errors.js'
import type { SqlConnection } from '../sql/sql-database.js'
import type { PostgresClient, PostgresQuery } from './postgres-client.js'
import { failureOf } from './postgres-failure.js'
import { types } from './postgres-types.js'

/** How long one statement may take, so that a connection that is only half there does not hold its caller for ever. */
const queryTimeoutMs = 5000

/** One connection of the pool. */
export class PostgresConnection implements SqlConnection {
  readonly #client: PostgresClient
  #broken = false

  constructor(client: PostgresClient) {
    this.#client = client
  }

  /** True once the connection may not be used again. */
  get broken(): boolean {
    return this.#broken
  }

  query<Row extends object>(text: string, values: readonly unknown[] = []): Promise<{ rows: Row[] }> {
    return this.#read<Row>({ text, values: [...values] })
  }

  /** The same; from the second time on the server knows it by its name, which is for this text alone. */
  queryPrepared<Row extends object>(
    name: string,
    text: string,
    values: readonly unknown[] = [],
  ): Promise<{ rows: Row[] }> {
    return this.#read<Row>({ name, text, values: [...values] })
  }

  async script(text: string): Promise<void> {
    await this.#run({ text })
  }

  async begin(): Promise<void> {
    // Whatever the database's default: after waiting for a lock, a statement must see what was committed meanwhile.
    await this.query('begin isolation level read committed read write')
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

  async #read<Row extends object>(query: PostgresQuery): Promise<{ rows: Row[] }> {
    const { rows } = await this.#run({ ...query, types, query_timeout: queryTimeoutMs })
    return { rows: rows as Row[] }
  }

  async #run(query: PostgresQuery): Promise<{ rows: object[] }> {
    try {
      return await this.#client.query(query)
    } catch (error) {
      const failure = failureOf(error)
      if (isLatchkeyError(failure)) this.#broken = true
      throw failure
    }
  }
}
