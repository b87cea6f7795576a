import type { SqlClient } from 'latchkey/sql'
import type { Core } from '../core.js'
import type { RequestOrigin } from '../request-origin.js'
import { type Account, updateAccount } from './account-table.js'

/**
 * Cancels the removal of all factors that an administrator has asked for, if there is one: its
 * owner has just used a factor. In the caller's transaction, which has locked the account.
 */
export async function cancelFactorReset(
  client: SqlClient,
  { audit }: Pick<Core, 'audit'>,
  { id, factorResetAt }: Pick<Account, 'id' | 'factorResetAt'>,
  { address }: RequestOrigin,
): Promise<void> {
  if (factorResetAt === null) return
  await updateAccount(client, { id }, { factorResetAt: null })
  await audit.done(client, 'factor_reset_cancel', { accountId: id, address })
}
