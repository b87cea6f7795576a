import { setTimeout as sleep } from 'node:timers/promises'
import type { KeyReplacementProgress, RotatingKeyPairSource } from 'latchkey'
import type { SqlStore } from 'latchkey/sql'
import { revokeAllLinks } from '../accounts/one-time-tokens.js'
import type { AuditDomain } from '../audit/open-audit.js'
import type { Core } from '../core.js'
import { revokeAllChallenges } from '../factors/challenges.js'
import type { TotpFactors } from '../factors/totp.js'
import { revokeAllTrust } from '../factors/trusted-devices.js'
import { emptyOutbox } from '../mail/outbox.js'
import type { Sessions } from '../sessions/sessions.js'

/** The core, and the parts whose keys are replaced in addition to those of tenants. */
export interface KeyReplacementParts extends Pick<AuditDomain, 'auditChain'>, Pick<Core, 'store' | 'keys'> {
  readonly serviceKeys: RotatingKeyPairSource
  readonly sessions: Sessions
  readonly totp: TotpFactors
}

/** Options of a replacement of all keys. */
export interface KeyReplacementOptions {
  readonly signal: AbortSignal
  readonly onProgress: (progress: KeyReplacementProgress) => void
}

/** The longest wait for open transactions. */
const maxTransactionWaitMs = 30_000
const pollMs = 50

/**
 * Replaces every key in the database, and ends all sessions, tokens, mailed links and queued
 * e-mails that depend on the old keys. The secrets of authenticator apps are sealed again: only
 * their owners can replace them. Tokens for other services end once those services read the JWKS
 * again. Afterwards nothing is sealed under an older master key. It is resumable: call it
 * again after a stop or a crash. The caller records it in the audit log first.
 *
 * @returns the number of tenants that got a new secret
 */
export async function replaceAllKeys(
  { store, keys, serviceKeys, sessions, totp, auditChain }: KeyReplacementParts,
  { signal, onProgress }: KeyReplacementOptions,
): Promise<number> {
  const replaced = await keys.replaceKeys({
    signal,
    onProgress,
    end: async () => {
      await serviceKeys.replace()
      await endOfTransactions(store)
      await store.transaction(async (client) => {
        // The old key of the outbox opens waiting e-mails, which contain links.
        await revokeAllLinks(client)
        await emptyOutbox(client)
        await revokeAllChallenges(client)
        await revokeAllTrust(client)
      })
      await totp.reseal(signal)
      await auditChain.closeSegment()
      await sessions.endReplaced(signal)
    },
  })
  await keys.rewrap({ signal })
  return replaced
}

/**
 * Waits for open transactions, which may have used an old key. SQLite has a single writer, so there
 * is none.
 */
async function endOfTransactions(store: SqlStore): Promise<void> {
  if (store.dialect === 'sqlite') return
  const newest = await readSnapshot(store)
  const deadlineMs = performance.now() + maxTransactionWaitMs
  while ((await readSnapshot(store)).oldest < newest.next && performance.now() < deadlineMs) await sleep(pollMs)
}

async function readSnapshot(store: SqlStore): Promise<{ readonly oldest: number; readonly next: number }> {
  const { rows } = await store.query<{ oldest: number | string; next: number | string }>(
    `select txid_snapshot_xmin(txid_current_snapshot()) as oldest, txid_snapshot_xmax(txid_current_snapshot()) as next`,
  )
  return { oldest: Number(rows[0]?.oldest), next: Number(rows[0]?.next) }
}
