import type { SqlClient } from 'latchkey/sql'
import { operator } from '../audit/operator.js'
import { type LockedAccount, lockAccounts } from '../sessions/account-lock.js'
import type { Acting, Actors } from '../sessions/actors.js'
import { adminFailures } from './failures.js'

/** An administrator who acts through the API. */
export interface ActingAdministrator extends Acting {
  readonly address: string | null
}

/** The author of a change to other accounts, as the audit log records it. */
export type Administrator = ActingAdministrator | typeof operator

/** Returns whether the author is the operator. Compared by identity, so that no input can match. */
export function isOperator(by: Administrator): by is typeof operator {
  return by === operator
}

/**
 * Locks the acting administrator and the changed accounts, and checks that the administrator's
 * rights still hold (C5). It must be the first call in the transaction of a change. The operator is
 * trusted.
 *
 * @returns the locked accounts that exist, by ID
 * @throws Problem `admin_required`; LatchkeyError those of `Actors.lock`
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
