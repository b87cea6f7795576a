import { isError } from '../../../is-error.js'
import type { SqlClient } from '../../sql/sql-client.js'
import { memberOf, translatedClient } from './translated-client.js'

/** The part of the client of an interactive Prisma transaction that is used. */
export interface PrismaTransaction {
  $queryRawUnsafe(text: string, ...values: unknown[]): PromiseLike<unknown>
}

/**
 * Returns the `client` of an interactive transaction of Prisma on PostgreSQL.
 *
 * @param tx The argument of the function that `prisma.$transaction` calls. A list of statements,
 * the other form of `$transaction`, cannot be used.
 * @example
 * ```ts
 * import type { TenantSecrets } from 'latchkey'
 * import { type PrismaTransaction, prismaClient } from 'latchkey/postgres'
 * import type { SqlClient } from 'latchkey/sql'
 *
 * export async function signOut(
 *   keys: TenantSecrets<SqlClient>,
 *   tx: PrismaTransaction,
 *   user: string,
 * ): Promise<void> {
 *   await keys.revoke(user, { client: prismaClient(tx) })
 * }
 * ```
 */
export function prismaClient(tx: PrismaTransaction): SqlClient {
  // The text has no value in it: values are sent as parameters.
  return translatedClient({ run: (text, values) => tx.$queryRawUnsafe(text, ...values), driverError })
}

const writeConflict = 'P2034'

/** Returns an error with the SQLSTATE that Prisma has put into the details of its own. */
function driverError(error: unknown): unknown {
  if (!isError(error)) return error
  const code = sqlState(error)
  return code === undefined
    ? error
    : Object.assign(new Error(error.message, { cause: error }), { severity: 'ERROR', code })
}

function sqlState(error: Error): string | undefined {
  const meta = memberOf(error, 'meta')
  const adapter = memberOf(memberOf(meta, 'driverAdapterError'), 'cause')
  // Of a driver adapter, or of the engine that is a binary.
  const state = memberOf(adapter, 'originalCode') ?? memberOf(adapter, 'code') ?? memberOf(meta, 'code')
  if (typeof state === 'string') return state
  return memberOf(error, 'code') === writeConflict ? '40001' : undefined
}
