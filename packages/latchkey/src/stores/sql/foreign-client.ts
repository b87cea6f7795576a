import type { SqlClient } from './sql-client.js'

/** The part of the check of a foreign client that differs between databases. */
export interface ForeignClientChecks {
  /** Returns the failure of the store for an error of the client. */
  readonly failureOf: (error: unknown) => unknown
  /** The message of the TypeError for a value that is no client. */
  readonly noClient: string
}

/**
 * Returns a client that checks the results of another library, and reports errors as a store does.
 *
 * @throws TypeError if the value is no client
 */
export function foreignClient(client: SqlClient, { failureOf, noClient }: ForeignClientChecks): SqlClient {
  if (typeof client.query !== 'function') throw new TypeError(noClient)
  const run = async (text: string, values: readonly unknown[]): Promise<unknown> => {
    try {
      return await client.query(text, values)
    } catch (error) {
      throw failureOf(error)
    }
  }
  return {
    async query<Row extends object>(text: string, values: readonly unknown[] = []): Promise<{ rows: Row[] }> {
      const answer = await run(text, values)
      if (!hasRows(answer)) throw new TypeError(noClient)
      return { rows: answer.rows as Row[] }
    },
  }
}

function hasRows(answer: unknown): answer is { readonly rows: object[] } {
  return typeof answer === 'object' && answer !== null && 'rows' in answer && Array.isArray(answer.rows)
}
