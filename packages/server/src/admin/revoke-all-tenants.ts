import { isLatchkeyError } from 'latchkey'
import type { SqlClient } from 'latchkey/sql'
import { lockClient } from '../clients/client-table.js'
import type { Core } from '../core.js'
import { lockAccounts } from '../sessions/account-lock.js'
import { endSessions } from '../sessions/session-table.js'

/** The parts of the core that a revocation uses. */
export type RevocationCore = Pick<Core, 'store' | 'keys' | 'clock'>

/** Options of a revocation of all tenants. */
export interface RevocationOptions {
  /**
   * Selects tenants with a secret created before this time, in milliseconds since 1970. Revoked
   * tenants have no such secret, so that the same time continues a stopped run.
   */
  readonly madeBefore: number
  /** A tenant that is revoked after all others. */
  readonly last?: string
  readonly signal: AbortSignal
  /** Called after each step with the number of revoked tenants and the total at the start. */
  readonly onProgress: (done: number, total: number) => void
}

/** Tenants per transaction: few, so that other requests do not wait long. */
const stepSize = 100

/**
 * Ends every session and token created before a time, for all tenants. Returns the number of
 * revoked tenants, also after a stop.
 */
export async function revokeAllTenants(
  core: RevocationCore,
  { madeBefore, last, signal, onProgress }: RevocationOptions,
): Promise<number> {
  const total = await countDue(core.store, madeBefore)
  let done = 0
  let after = ''
  while (!signal.aborted) {
    const due = await readDue(core.store, madeBefore, after)
    after = due.at(-1) ?? after
    const tenants = due.filter((tenant) => tenant !== last)
    if (due.length === 0) break
    await revokeAll(core, tenants)
    done += tenants.length
    onProgress(done, total)
  }
  if (signal.aborted || last === undefined || !(await isDue(core.store, madeBefore, last))) return done
  // Reported first, because it may sign out the administrator who reads the progress.
  onProgress(done + 1, total)
  await revokeAll(core, [last])
  return done + 1
}

function revokeAll({ store, keys, clock }: RevocationCore, tenants: readonly string[]): Promise<void> {
  return store.transaction(async (client) => {
    const accounts = await lockAccounts(client, tenants)
    const ordered = [...tenants].sort()
    for (const tenant of ordered) if (!accounts.has(tenant)) await lockClient(client, tenant)
    for (const tenant of ordered) {
      await endSessions(client, tenant, { reason: 'ended_by_admin', nowMs: clock.now() })
      await keys.revoke(tenant, { client }).catch(ignoreForgotten)
    }
  })
}

/** A tenant that was deleted meanwhile has nothing to revoke. */
function ignoreForgotten(error: unknown): void {
  if (!isLatchkeyError(error) || error.code !== 'tenant_unknown') throw error
}

async function readDue(client: SqlClient, madeBefore: number, after: string): Promise<readonly string[]> {
  const { rows } = await client.query<{ tenant: string }>(
    `select distinct tenant_id as tenant from latchkey_secrets where created_at < $1 and tenant_id > $2
     order by tenant_id limit ${stepSize}`,
    [madeBefore, after],
  )
  return rows.map(({ tenant }) => tenant)
}

async function isDue(client: SqlClient, madeBefore: number, tenant: string): Promise<boolean> {
  const { rows } = await client.query('select kid from latchkey_secrets where created_at < $1 and tenant_id = $2', [
    madeBefore,
    tenant,
  ])
  return rows.length > 0
}

async function countDue(client: SqlClient, madeBefore: number): Promise<number> {
  const { rows } = await client.query<{ count: number | string }>(
    'select count(distinct tenant_id) as count from latchkey_secrets where created_at < $1',
    [madeBefore],
  )
  return Number(rows[0]?.count)
}
