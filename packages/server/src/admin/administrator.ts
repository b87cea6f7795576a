import type { SqlClient } from 'latchkey/sql'
import { type LockedAccount, lockAccounts } from '../sessions/account-lock.js'
import type { Acting, Actors } from '../sessions/actors.js'
import { adminFailures } from './failures.js'

/** An administrator that acts through the API. */
export interface ActingAdministrator extends Acting {
  readonly address: string | null
}

/** The operator, with the command line and the keys of the database: trusted, in no session. */
export const operator = { accountId: 'cli', address: null, sessionId: undefined } as const

/** The author of a change to other accounts, as the audit log records it. */
export type Administrator = ActingAdministrator | typeof operator

/** Returns whether it is the operator: this very object, which no request can contain. */
export function isOperator(by: Administrator): by is typeof operator {
  return by === operator
}

/**
 * Locks the acting administrator and the accounts that the change is about, and checks that the
 * administrator still is one (C5). The first call in the transaction of a change. The operator is
 * trusted.
 *
 * @returns the locked accounts that exist, by ID
 * @throws Problem `admin_required`; LatchkeyError as `Actors.lock`
 */
export async function lockAdministrator(
  actors: Actors,
  client: SqlClient,
  by: Administrator,
  others: readonly string[] = [],
): Promise<ReadonlyMap<string, LockedAccount>> {
  if (isOperator(by)) return lockAccounts(client, others)
  const accounts = await actors.lock(client, by, others)
  if (accounts.get(by.accountId)?.role !== 'admin') throw adminFailures.refusal('admin_required')
  return accounts
}
