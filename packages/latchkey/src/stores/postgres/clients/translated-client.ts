import type { SqlClient } from '../../sql/sql-client.js'
import { failureOf } from '../postgres-failure.js'

/** How another library runs a statement. */
export interface Translation {
  /** Runs a statement with `$1`, `$2`, … for the values. Resolves to a list of its rows. */
  readonly run: (text: string, values: unknown[]) => PromiseLike<unknown>
  /** Returns the error of the driver, which has the SQLSTATE, for the error of the library. */
  readonly driverError?: (error: unknown) => unknown
}

/** Returns a client that runs its statements in the transaction of another library. */
export function translatedClient({ run, driverError = (error) => error }: Translation): SqlClient {
  const rowsOf = async (text: string, values: readonly unknown[]): Promise<unknown> => {
    try {
      return await run(text, [...values])
    } catch (error) {
      throw failureOf(driverError(error))
    }
  }
  return {
    async query<Row extends object>(text: string, values: readonly unknown[] = []): Promise<{ rows: Row[] }> {
      const rows = await rowsOf(text, values)
      if (!Array.isArray(rows)) {
        throw new TypeError(
          'The transaction returned no rows: pass one of the library that the function is named after.',
        )
      }
      return { rows: rows as Row[] }
    },
  }
}

/** Returns this member of the result of a library, or `undefined` if the result has none. */
export function memberOf(result: unknown, name: string): unknown {
  return typeof result === 'object' && result !== null ? Reflect.get(result, name) : undefined
}
