import type { SqlClient } from 'latchkey/sql'

/** The columns of a locked account that decide whether it may act. */
export interface LockedAccount {
  readonly id: string
  readonly role: string
  /** Milliseconds since 1970; `null` while it is enabled. */
  readonly disabledAt: number | null
}

/**
 * Locks the rows of these accounts until the transaction ends, and returns those that exist, by ID.
 *
 * The row of an account is the lock of everything that belongs to it: its sessions, mailed links,
 * guess buckets and tenant. A transaction that changes more than one of these rows takes it first,
 * and all accounts that it needs in one call. They are locked in the order of their IDs, so that
 * transactions cannot deadlock (docs/decisions/0018).
 */
export async function lockAccounts(
  client: SqlClient,
  ids: readonly string[],
): Promise<ReadonlyMap<string, LockedAccount>> {
  const locked = new Map<string, LockedAccount>()
  for (const id of [...new Set(ids)].sort()) {
    // An update that changes nothing is the only row lock in the SQL of both databases.
    const { rows } = await client.query<LockedAccount>(
      'update server_accounts set role = role where id = $1 returning id, role, disabled_at as "disabledAt"',
      [id],
    )
    const [account] = rows
    if (account !== undefined) locked.set(id, account)
  }
  return locked
}
