import type { SqlClient } from 'latchkey/sqlite'
import { Problem } from '../problem.js'
import { type LockedAccount, lockAccounts } from '../sessions/account-lock.js'
import type { Acting, Actors } from '../sessions/actors.js'

/** An administrator who acts through the API. */
export interface ActingAdministrator extends Acting {
  readonly address: string | null
}

/** Whoever has the command line and the keys of the database: trusted, and in no session. */
export const operator = { accountId: 'cli', address: null, sessionId: undefined } as const

/** Who changes what belongs to others. `accountId`, `sessionId` and `address` are what the audit log says of it. */
export type Administrator = ActingAdministrator | typeof operator

/** Returns whether it is the operator: the very object, which nothing that comes from a request can be. */
export function isOperator(by: Administrator): by is typeof operator {
  return by === operator
}

/**
 * Locks the administrator who acts, and the accounts that the change is about, and checks that the administrator still is one (C5). Call it first in the
 * transaction of a change. The operator is trusted.
 *
 * @returns the locked accounts that exist, by ID
 * @throws Problem `admin_required`; LatchkeyError as `Actors.lock`
 */
export async function lockAdministrator(
  { actors }: { readonly actors: Actors },
  client: SqlClient,
  by: Administrator,
  others: readonly string[] = [],
): Promise<ReadonlyMap<string, LockedAccount>> {
  if (isOperator(by)) return lockAccounts(client, others)
  const accounts = await actors.lock(client, by, others)
  if (accounts.get(by.accountId)?.role !== 'admin') throw new Problem('admin_required')
  return accounts
}
