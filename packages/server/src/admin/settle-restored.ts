import { revokeAllLinks } from '../accounts/one-time-tokens.js'
import { operator } from '../audit/operator.js'
import type { Core } from '../core.js'
import { revokeAllChallenges } from '../factors/challenges.js'
import { revokeAllTrust } from '../factors/trusted-devices.js'
import { emptyOutbox } from '../mail/outbox.js'
import { type RevocationOptions, revokeAllTenants } from './revoke-all-tenants.js'

/** Options of `settleRestored`. */
export interface SettleOptions extends Omit<RevocationOptions, 'madeBefore'> {
  /** Keeps the tokens and sessions of the backup valid, also those revoked after it was made. */
  readonly keepTokens: boolean
}

/**
 * Prepares a restored database for use: versions continue above every version that a verifier has
 * read, and everything is revoked, because the backup lacks later revocations (C6). Mailed links
 * end in either case. Run it before any server uses the database; it is idempotent.
 *
 * @returns the number of revoked tenants
 */
export async function settleRestored(core: Core, { keepTokens, ...options }: SettleOptions): Promise<number> {
  const { store, audit } = core
  await store.beginAfterRestore()
  const revoked = keepTokens ? 0 : await revokeAllTenants(core, { ...options, madeBefore: Number.MAX_SAFE_INTEGER })
  await store.transaction(async (client) => {
    // Links that were used since the backup would be valid again, and e-mails would be sent again.
    await revokeAllLinks(client)
    await emptyOutbox(client)
    // Devices that are no longer trusted since the backup would be trusted again.
    await revokeAllChallenges(client)
    await revokeAllTrust(client)
    await audit.done(client, 'restore', operator, { account: null })
  })
  return revoked
}
