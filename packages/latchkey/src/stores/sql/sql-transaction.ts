import type { Change } from '../../secrets/ports.js'
import type { SqlClient } from './sql-client.js'
import type { SqlConnection } from './sql-database.js'

/** The handle of one open transaction. */
export class SqlTransaction implements SqlClient {
  /** The changes of tenants made in this transaction, to be published once it is committed. */
  readonly changes: Change[] = []
  readonly #connection: SqlConnection
  #failed = false
  #failure: unknown
  #open = true

  private constructor(connection: SqlConnection) {
    this.#connection = connection
  }

  /** Runs `work` in one transaction. Returns its result with the committed changes. */
  static async run<T>(
    connection: SqlConnection,
    work: (transaction: SqlTransaction) => Promise<T>,
  ): Promise<{ result: T; changes: readonly Change[] }> {
    await connection.begin()
    const transaction = new SqlTransaction(connection)
    try {
      const result = await work(transaction)
      transaction.#end()
      await connection.commit()
      return { result, changes: transaction.changes }
    } catch (error) {
      transaction.#open = false
      await connection.rollback()
      throw error
    }
  }

  async query<Row extends object>(text: string, values?: readonly unknown[]): Promise<{ rows: Row[] }> {
    if (!this.#open) throw new TypeError('This transaction has ended: await every query inside its work.')
    // A database may have rolled back already, so that the statement would be committed by itself.
    if (this.#failed) throw this.#failure
    try {
      return await this.#connection.query<Row>(text, values)
    } catch (error) {
      if (!this.#failed) this.#failure = error
      this.#failed = true
      throw error
    }
  }

  /**
   * PostgreSQL responds to the commit of a failed transaction with a silent rollback, which must
   * not look like success.
   */
  #end(): void {
    this.#open = false
    if (this.#failed) throw this.#failure
  }
}
