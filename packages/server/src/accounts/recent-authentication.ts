import type { SqlClient } from 'latchkey/sql'
import type { Core } from '../core.js'
import { factorFailures } from '../factors/failures.js'
import type { Acting } from '../sessions/actors.js'

/** The time for which an authentication counts as recent. */
const maxAgeMs = 600_000

/** Checks that the owner of an acting session has authenticated recently and strongly enough. */
export class RecentAuthentication {
  readonly #core: Pick<Core, 'clock'>

  constructor(core: Pick<Core, 'clock'>) {
    this.#core = core
  }

  /**
   * Returns if the session began recently, and with a second factor if the account has one. In the
   * caller's transaction, which has locked the actor.
   *
   * @throws Problem `recent_authentication_required`
   */
  async check(client: SqlClient, { accountId, sessionId }: Acting): Promise<void> {
    const { rows } = await client.query<{ amr: string; authenticatedAt: number | null; secondFactor: number }>(
      `select s.amr, s.authenticated_at as "authenticatedAt", a.second_factor as "secondFactor"
       from server_sessions s join server_accounts a on a.id = s.account_id where s.id = $1 and s.account_id = $2`,
      [sessionId, accountId],
    )
    const [session] = rows
    const at = session?.authenticatedAt ?? null
    const isRecent = at !== null && this.#core.clock.now() - at < maxAgeMs
    const isStrong = session?.secondFactor === 0 || session?.amr.split(' ').includes('mfa') === true
    if (!(isRecent && isStrong)) throw factorFailures.refusal('recent_authentication_required')
  }
}
