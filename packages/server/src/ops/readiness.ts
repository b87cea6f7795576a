import type { TenantSecrets } from 'latchkey'
import type { SqlClient, SqlStore } from 'latchkey/sql'

export interface ReadinessOptions {
  readonly store: SqlStore
  readonly keys: TenantSecrets<SqlClient>
  readonly maxStalenessMs: number
  /** Returns whether the server is stopping. */
  readonly stopping: () => boolean
  /** Returns the current warnings. */
  readonly warnings: () => Promise<readonly ReadinessWarning[]>
}

/**
 * A problem that the operator should correct, although the server answers:
 * - `proxies_undeclared`: the issuer implies a proxy, but none is trusted.
 * - `forwarding_untrusted`: an untrusted peer has sent a forwarding header.
 * - `limits_in_memory`: the shared counters of the rate limits are unavailable.
 * - `disk_full`: less than 100 MB are free for the embedded database.
 */
export type ReadinessWarning = 'proxies_undeclared' | 'forwarding_untrusted' | 'limits_in_memory' | 'disk_full'

/** Why the server should receive no requests now. */
export type UnreadyReason = 'stopping' | 'database_unavailable' | 'change_feed_stale'

/** Determines whether the server can answer requests. */
export class Readiness {
  readonly #options: ReadinessOptions

  constructor(options: ReadinessOptions) {
    this.#options = options
  }

  /** Returns the problems that the operator should correct. */
  warnings(): Promise<readonly ReadinessWarning[]> {
    return this.#options.warnings()
  }

  /** Returns all reasons why the server is not ready; empty if it is ready. */
  async reasons(): Promise<UnreadyReason[]> {
    const { store, keys, maxStalenessMs, stopping } = this.#options
    const reasons: UnreadyReason[] = []
    if (stopping()) reasons.push('stopping')
    if (!(await answers(store))) reasons.push('database_unavailable')
    if (!(keys.feedAgeMs <= maxStalenessMs)) reasons.push('change_feed_stale')
    return reasons
  }
}

async function answers(store: SqlStore): Promise<boolean> {
  try {
    const { rows } = await store.query('select 1 as one')
    return rows.length === 1
  } catch {
    return false
  }
}
