import type { TenantSecrets } from 'latchkey'
import type { SqlClient, SqlStore } from 'latchkey/sql'

/** What `Readiness` looks at. */
export interface ReadinessOptions {
  readonly store: SqlStore
  readonly keys: TenantSecrets<SqlClient>
  readonly maxStalenessMs: number
  /** Whether the server has been told to stop. */
  readonly stopping: () => boolean
  /** What the operator should put right; asked anew each time. */
  readonly warnings: () => Promise<readonly ReadinessWarning[]>
}

/**
 * What is not as it should be in a server that answers: `proxies_undeclared` where the issuer says that a proxy stands in front and none is
 * trusted, `forwarding_untrusted` once a forwarding header has come from somebody who is not, `limits_in_memory` while the shared counters of the
 * rate limits are away, `disk_full` while less than 100 MB are free for the embedded database.
 */
export type ReadinessWarning = 'proxies_undeclared' | 'forwarding_untrusted' | 'limits_in_memory' | 'disk_full'

/** Why the server should get no requests at the moment. */
export type UnreadyReason = 'stopping' | 'database_unavailable' | 'change_feed_stale'

/** Whether the server can answer for its users now. */
export class Readiness {
  readonly #options: ReadinessOptions

  constructor(options: ReadinessOptions) {
    this.#options = options
  }

  /** What the operator should put right, though the server answers. */
  warnings(): Promise<readonly ReadinessWarning[]> {
    return this.#options.warnings()
  }

  /** Everything that is away; empty when the server is ready. */
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
