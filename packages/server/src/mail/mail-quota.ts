import type { Clock } from 'latchkey'
import type { SqlClient, SqlStore } from 'latchkey/sqlite'
import { skipLocked } from '../row-locks.js'

/** What `MailQuota` works with. */
export interface MailQuotaOptions {
  readonly store: SqlStore
  /** Names that tell addresses apart without telling which they are. */
  readonly names: { of(...parts: readonly string[]): string }
  readonly clock: Clock
}

/** So many letters of one kind to one address in one window. */
const maxLetters = 5
const windowMs = 3_600_000

/** Bounds what others can make us write to one address, whatever addresses they ask from; counted in the database, for all servers. */
export class MailQuota {
  readonly #options: MailQuotaOptions

  constructor(options: MailQuotaOptions) {
    this.#options = options
  }

  /** Counts one letter; `false` when it is one too many. In the caller's transaction. */
  async take(client: SqlClient, kind: string, address: string): Promise<boolean> {
    const nowMs = this.#options.clock.now()
    const { rows } = await client.query<{ letters: number }>(
      `insert into server_mail_counts (name, letters, ends_at) values ($1, 1, $3)
       on conflict (name) do update set
         letters = case when server_mail_counts.ends_at <= $2 then 1 else server_mail_counts.letters + 1 end,
         ends_at = case when server_mail_counts.ends_at <= $2 then $3 else server_mail_counts.ends_at end
       returning letters`,
      [this.#options.names.of('mail', kind, address), nowMs, nowMs + windowMs],
    )
    return (rows[0]?.letters ?? Number.POSITIVE_INFINITY) <= maxLetters
  }

  /** Deletes counts whose window has ended. */
  async prune(): Promise<void> {
    const { store, clock } = this.#options
    await store.query(
      `delete from server_mail_counts where name in (
         select name from server_mail_counts where ends_at <= $1 ${skipLocked(store)})`,
      [clock.now()],
    )
  }
}
