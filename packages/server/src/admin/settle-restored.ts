import type { AuditTrail } from '../audit/audit-trail.js'
import { type RevocationOptions, type RevocationParts, revokeEveryone } from './revoke-everyone.js'

/** What `settleRestored` works with. */
export interface RestoredParts extends RevocationParts {
  readonly audit: AuditTrail
}

/** What is done with a restored database. */
export interface SettleOptions extends Omit<RevocationOptions, 'madeBefore'> {
  /** Lets the tokens and sessions of the backup live on, also those that were revoked after it was made. */
  readonly keepTokens: boolean
}

/**
 * Makes a database that was set back to a backup fit to be served: versions go on where no verifier has ever been, and, because the backup has forgotten what
 * was revoked after it, everything is revoked (C6), links in letters too. Gives how many tenants that was. Before any server uses the database; doing it again is harmless.
 */
export async function settleRestored(parts: RestoredParts, { keepTokens, ...options }: SettleOptions): Promise<number> {
  const { store, audit } = parts
  await store.beginAfterRestore()
  const revoked = keepTokens ? 0 : await revokeEveryone(parts, { ...options, madeBefore: Number.MAX_SAFE_INTEGER })
  await store.transaction(async (client) => {
    // What was still to be sent when the backup was made was sent long ago.
    await client.query('delete from server_outbox')
    if (!keepTokens) await client.query('delete from server_one_time_tokens')
    await audit.append(client, { event: 'restore', outcome: 'done', actor: 'cli', account: null, address: null })
  })
  return revoked
}
