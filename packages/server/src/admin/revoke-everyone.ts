import { type Clock, isLatchkeyError, type TenantSecrets } from 'latchkey'
import type { SqlClient, SqlStore } from 'latchkey/sql'
import { lockClient } from '../clients/client-table.js'
import { lockAccounts } from '../sessions/account-lock.js'
import { endSessions } from '../sessions/session-table.js'

/** What `revokeEveryone` works with. */
export interface RevocationParts {
  readonly store: SqlStore
  readonly keys: TenantSecrets<SqlClient>
  readonly clock: Clock
}

/** Whom it revokes, and how it is stopped. */
export interface RevocationOptions {
  /** Milliseconds since 1970: tenants that have a secret from before. What was revoked has none any more, so the same time takes up what was stopped. */
  readonly madeBefore: number
  readonly signal: AbortSignal
  /** Called after each step with the tenants revoked by now and those that there were at the beginning. */
  readonly onProgress: (done: number, total: number) => void
}

/** Tenants per transaction: short enough that nobody beside it waits long. */
const stepSize = 100

/** Ends every session and every token made before a time, of accounts and of all others who have secrets; gives how many tenants, also when it was stopped. */
export async function revokeEveryone(
  parts: RevocationParts,
  { madeBefore, signal, onProgress }: RevocationOptions,
): Promise<number> {
  const total = await countDue(parts.store, madeBefore)
  let done = 0
  let after = ''
  while (!signal.aborted) {
    const tenants = await readDue(parts.store, madeBefore, after)
    after = tenants.at(-1) ?? after
    if (tenants.length === 0) break
    await revokeAll(parts, tenants)
    done += tenants.length
    onProgress(done, total)
  }
  return done
}

function revokeAll({ store, keys, clock }: RevocationParts, tenants: readonly string[]): Promise<void> {
  return store.transaction(async (client) => {
    const accounts = await lockAccounts(client, tenants)
    const ordered = [...tenants].sort()
    for (const tenant of ordered) if (!accounts.has(tenant)) await lockClient(client, tenant)
    for (const tenant of ordered) {
      await endSessions(client, tenant, { reason: 'ended_by_admin', nowMs: clock.now() })
      await keys.revoke(tenant, { client }).catch(ignoringForgotten)
    }
  })
}

/** Who was forgotten meanwhile has nothing left to revoke. */
function ignoringForgotten(error: unknown): void {
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

async function countDue(client: SqlClient, madeBefore: number): Promise<number> {
  const { rows } = await client.query<{ count: number | string }>(
    'select count(distinct tenant_id) as count from latchkey_secrets where created_at < $1',
    [madeBefore],
  )
  return Number(rows[0]?.count)
}
