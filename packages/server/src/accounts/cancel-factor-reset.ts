import type { SqlClient } from 'latchkey/sql'
import type { AuditActor } from '../audit/audit-trail.js'
import type { Core } from '../core.js'
import { type Account, updateAccount } from './account-table.js'

/**
 * Cancels the removal of all factors that an administrator has asked for, if there is one. In the
 * caller's transaction, which has locked the account. `by` is an administrator, or the owner, who
 * has just used a factor.
 */
export async function cancelFactorReset(
  client: SqlClient,
  { audit }: Pick<Core, 'audit'>,
  { id, factorResetAt }: Pick<Account, 'id' | 'factorResetAt'>,
  by: AuditActor,
): Promise<void> {
  if (factorResetAt === null) return
  await updateAccount(client, { id }, { factorResetAt: null })
  await audit.done(client, 'factor_reset_cancel', by, { account: id })
}
