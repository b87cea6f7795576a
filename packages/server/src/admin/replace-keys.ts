import { setTimeout as sleep } from 'node:timers/promises'
import type { KeyReplacementProgress, RotatingKeyPairSource, TenantSecrets } from 'latchkey'
import type { SqlClient, SqlStore } from 'latchkey/sql'
import { endEveryLink } from '../accounts/one-time-tokens.js'
import type { AuditChain } from '../audit/audit-chain.js'
import type { AuditTrail } from '../audit/audit-trail.js'
import { emptyOutbox } from '../mail/outbox.js'
import type { Sessions } from '../sessions/sessions.js'

/** What `replaceAllKeys` works with. */
export interface KeyReplacementParts {
  readonly store: SqlStore
  readonly keys: TenantSecrets<SqlClient>
  readonly serviceKeys: RotatingKeyPairSource
  readonly sessions: Sessions
  readonly audit: AuditTrail
  readonly auditChain: AuditChain
}

/** How it is stopped, and how far it has come. */
export interface KeyReplacementOptions {
  readonly signal: AbortSignal
  readonly onProgress: (progress: KeyReplacementProgress) => void
}

/** Transactions that take longer than this are not waited for. */
const transactionPatienceMs = 30_000
const pollMs = 50

/**
 * Replaces every key that is kept in the database, and ends what rested on the old ones: every session and token, what other services accept from their
 * next look at the JWKS on, mailed links and letters that wait. Then nothing is sealed under an older master key any more. It may be stopped or killed and called again.
 * Returns how many tenants got a new secret.
 */
export async function replaceAllKeys(
  { store, keys, serviceKeys, sessions, audit, auditChain }: KeyReplacementParts,
  { signal, onProgress }: KeyReplacementOptions,
): Promise<number> {
  await audit.append(store, { event: 'key_replace', outcome: 'done', actor: 'cli', account: null, address: null })
  const replaced = await keys.replaceKeys({
    signal,
    onProgress,
    end: async () => {
      await serviceKeys.replace()
      await endOfTransactions(store)
      await store.transaction(async (client) => {
        // Letters that wait hold links in the clear for whoever has the key of the outbox.
        await endEveryLink(client)
        await emptyOutbox(client)
      })
      await auditChain.closeSegment()
      await sessions.endReplaced(signal)
    },
  })
  await keys.rewrap({ signal })
  return replaced
}

/** Waits for what was written before with an old key, and is not committed yet. SQLite has one writer, which the next write waits for. */
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
