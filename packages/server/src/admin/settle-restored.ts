import { endEveryLink } from '../accounts/one-time-tokens.js'
import type { AuditTrail } from '../audit/audit-trail.js'
import { emptyOutbox } from '../mail/outbox.js'
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
 * was revoked after it, everything is revoked (C6). Mailed links end in either case. Gives how many tenants that was. Before any server uses the
 * database; doing it again is harmless.
 */
export async function settleRestored(parts: RestoredParts, { keepTokens, ...options }: SettleOptions): Promise<number> {
  const { store, audit } = parts
  await store.beginAfterRestore()
  const revoked = keepTokens ? 0 : await revokeEveryone(parts, { ...options, madeBefore: Number.MAX_SAFE_INTEGER })
  await store.transaction(async (client) => {
    // Links that were used since the backup would work once more, and letters would be sent once more.
    await endEveryLink(client)
    await emptyOutbox(client)
    await audit.append(client, { event: 'restore', outcome: 'done', actor: 'cli', account: null, address: null })
  })
  return revoked
}
