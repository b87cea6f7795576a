import type { SqlClient } from 'latchkey/sql'
import type { Permission } from '../config/settings.js'
import type { Account } from './account-table.js'
import { accountFailures } from './failures.js'

/**
 * Whether accounts may sign in before their address is verified. If not, an administrator with an
 * unverified address does not count.
 */
export interface SignInRule {
  readonly unverifiedSignIn: Permission
}

/** Returns whether the account can sign in and use the admin routes. */
export function canAdminister(
  { role, disabledAt, emailVerifiedAt }: Pick<Account, 'role' | 'disabledAt' | 'emailVerifiedAt'>,
  { unverifiedSignIn }: SignInRule,
): boolean {
  return role === 'admin' && disabledAt === null && (emailVerifiedAt !== null || unverifiedSignIn === 'allow')
}

/** Returns whether there is an account that can sign in and use the admin routes. */
export async function hasAdministrator(client: SqlClient, { unverifiedSignIn }: SignInRule): Promise<boolean> {
  const verified = unverifiedSignIn === 'allow' ? '' : 'and email_verified_at is not null'
  const { rows } = await client.query(
    `select id from server_accounts where role = 'admin' and disabled_at is null ${verified} limit 1`,
  )
  return rows.length > 0
}

/**
 * Throws `last_administrator` unless an account can use the admin routes after all changes of the
 * transaction. Call it after each change that takes this right from an account, as the last lock of
 * the transaction. From here to their commit such changes run one after another. If two
 * administrators demote each other or delete their accounts at the same time, one of them remains.
 */
export async function requireAdministrator(client: SqlClient, rule: SignInRule): Promise<void> {
  await client.query(
    `insert into server_locks (name) values ('administrators') on conflict (name) do update set name = excluded.name`,
  )
  // A separate statement: the one that waited for the lock may not see changes committed meanwhile.
  if (!(await hasAdministrator(client, rule))) throw accountFailures.refusal('last_administrator')
}
