import type { SqlClient } from 'latchkey/sql'
import type { Core } from '../core.js'

/** The use of one audience in one session. Times are milliseconds since 1970. */
export interface AudienceUse {
  readonly sessionId: string
  readonly audience: string
  readonly firstUsedAt: number
  /** To within ten minutes. */
  readonly lastUsedAt: number
}

/** The time for which a use is not recorded again. */
const recordIntervalMs = 600_000

/** Uses in memory; beyond that, they are recorded sooner than after the interval. */
const maxRemembered = 10_000

/**
 * Records for which audiences tokens were issued in a session, so that its owner sees which
 * services act in their name. A use ends with its session.
 */
export class AudienceUses {
  readonly #core: Pick<Core, 'store' | 'clock'>
  readonly #recordedAt = new Map<string, number>()

  constructor(core: Pick<Core, 'store' | 'clock'>) {
    this.#core = core
  }

  /**
   * Records a use, unless that was done a short time ago. Never rejects: the token is issued
   * already, and the next use is recorded again.
   */
  async record(sessionId: string, audience: string): Promise<void> {
    const nowMs = this.#core.clock.now()
    const key = JSON.stringify([sessionId, audience])
    if (Math.abs(nowMs - (this.#recordedAt.get(key) ?? -recordIntervalMs)) < recordIntervalMs) return
    if (this.#recordedAt.size >= maxRemembered) this.#recordedAt.clear()
    this.#recordedAt.set(key, nowMs)
    try {
      // Tokens of clients have sessions that are not stored.
      await this.#core.store.query(
        `insert into server_session_audiences (session_id, audience, first_used_at, last_used_at)
         select id, $2, $3, $3 from server_sessions where id = $1
         on conflict (session_id, audience) do update set last_used_at = excluded.last_used_at`,
        [sessionId, audience, nowMs],
      )
    } catch {
      this.#recordedAt.delete(key)
    }
  }
}

/** Returns the uses of all stored sessions of the account. */
export async function listAudienceUses(client: SqlClient, accountId: string): Promise<AudienceUse[]> {
  const { rows } = await client.query<AudienceUse>(
    `select u.session_id as "sessionId", u.audience, u.first_used_at as "firstUsedAt", u.last_used_at as "lastUsedAt"
     from server_session_audiences u join server_sessions s on s.id = u.session_id
     where s.account_id = $1 order by u.audience, u.session_id`,
    [accountId],
  )
  return rows
}
