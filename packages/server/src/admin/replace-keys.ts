import { setTimeout as sleep } from 'node:timers/promises'
import type { KeyReplacementProgress, RotatingKeyPairSource } from 'latchkey'
import type { SqlStore } from 'latchkey/sql'
import { revokeAllLinks } from '../accounts/one-time-tokens.js'
import type { AuditDomain } from '../audit/open-audit.js'
import type { Core } from '../core.js'
import { emptyOutbox } from '../mail/outbox.js'
import type { Sessions } from '../sessions/sessions.js'
import { operator } from './administrator.js'

/** The core, and the parts whose keys are replaced beside those of tenants. */
export interface KeyReplacementParts extends AuditDomain, Pick<Core, 'store' | 'keys'> {
  readonly serviceKeys: RotatingKeyPairSource
  readonly sessions: Sessions
}

/** Stops the replacement, and reports its progress. */
export interface KeyReplacementOptions {
  readonly signal: AbortSignal
  readonly onProgress: (progress: KeyReplacementProgress) => void
}

/** The longest wait for open transactions. */
const transactionPatienceMs = 30_000
const pollMs = 50

/**
 * Replaces every key in the database, and ends everything made with the old ones: sessions, tokens,
 * tokens for other services from their next read of the JWKS on, mailed links and waiting letters. Then
 * nothing is sealed under an older master key any more. It may be stopped or killed, and called again.
 *
 * @returns the number of tenants that got a new secret
 */
export async function replaceAllKeys(
  { store, keys, serviceKeys, sessions, audit, auditChain }: KeyReplacementParts,
  { signal, onProgress }: KeyReplacementOptions,
): Promise<number> {
  await audit.done(store, 'key_replace', operator, { account: null })
  const replaced = await keys.replaceKeys({
    signal,
    onProgress,
    end: async () => {
      await serviceKeys.replace()
      await endOfTransactions(store)
      await store.transaction(async (client) => {
        // The old key of the outbox opens waiting letters, which contain links.
        await revokeAllLinks(client)
        await emptyOutbox(client)
      })
      await auditChain.closeSegment()
      await sessions.endReplaced(signal)
    },
  })
  await keys.rewrap({ signal })
  return replaced
}

/** Waits for open transactions, which may have used an old key. SQLite has a single writer: nothing to wait for. */
async function endOfTransactions(store: SqlStore): Promise<void> {
  if (store.dialect === 'sqlite') return
  const newest = await readSnapshot(store)
  const giveUpAt = performance.now() + transactionPatienceMs
  while ((await readSnapshot(store)).oldest < newest.next && performance.now() < giveUpAt) await sleep(pollMs)
}

async function readSnapshot(store: SqlStore): Promise<{ readonly oldest: number; readonly next: number }> {
  const { rows } = await store.query<{ oldest: number | string; next: number | string }>(
    `select txid_snapshot_xmin(txid_current_snapshot()) as oldest, txid_snapshot_xmax(txid_current_snapshot()) as next`,
  )
  return { oldest: Number(rows[0]?.oldest), next: Number(rows[0]?.next) }
}
