import type { TenantSecrets } from 'latchkey'
import type { SqlClient, SqlStore } from 'latchkey/sqlite'

/** What `Readiness` looks at. */
export interface ReadinessOptions {
  readonly store: SqlStore
  readonly keys: TenantSecrets<SqlClient>
  readonly maxStalenessMs: number
}

/** Why the server should get no requests at the moment. */
export type UnreadyReason = 'database_unavailable' | 'change_feed_stale'

/** Whether the server can answer for its users now. */
export class Readiness {
  readonly #options: ReadinessOptions

  constructor(options: ReadinessOptions) {
    this.#options = options
  }

  /** Everything that is away; empty when the server is ready. */
  async reasons(): Promise<UnreadyReason[]> {
    const { store, keys, maxStalenessMs } = this.#options
    const reasons: UnreadyReason[] = []
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
