import { type Clock, LatchkeyError } from 'latchkey'
import type { SqlClient } from 'latchkey/sql'
import type { Configuration } from '../config/configuration.js'
import type { Core } from '../core.js'
import { type LockedAccount, lockAccounts } from './account-lock.js'
import { sessionFailures } from './failures.js'

/** The acting account, its session, and the key ID of its access token. */
export interface Acting {
  readonly accountId: string
  readonly sessionId: string
  /** The `kid` of the access token. */
  readonly keyId: string
  /** The administrator who acts in the session by its token (`act`); absent for the owner. */
  readonly impersonatorId?: string | undefined
}

/** The demands of a change on the acting session. */
export interface ActorDemand {
  /** An administrator may do it in a session of another account. @defaultValue false */
  readonly allowsImpersonation?: boolean
}

/**
 * Checks the acting account in the transaction of each change (C5). The guard of a route has
 * checked the token at the start of the request. Since then the session may have ended, the account
 * may have been disabled, or its secret revoked.
 */
export class Actors {
  readonly #clock: Clock
  readonly #sessionIdleTtlSec: number

  constructor({ clock }: Core, { sessionIdleTtlSec }: Pick<Configuration, 'sessionIdleTtlSec'>) {
    this.#clock = clock
    this.#sessionIdleTtlSec = sessionIdleTtlSec
  }

  /**
   * Locks the acting account and the changed accounts (`others`), and checks that the token is
   * still valid. It must be the first call in a transaction. Each change that ends a session,
   * disables an account or revokes its secret takes the same lock, so that the result holds until
   * the commit.
   *
   * A session in which an administrator acts can change nothing, unless the change allows it.
   *
   * @returns the locked accounts that exist, by ID
   * @throws LatchkeyError `token_revoked` if the account is gone or disabled or its secret has
   * ended, `session_ended`, `reissue_required`; Problem `impersonation_read_only`
   */
  async lock(
    client: SqlClient,
    acting: Acting,
    others: readonly string[] = [],
    demand: ActorDemand = {},
  ): Promise<ReadonlyMap<string, LockedAccount>> {
    const accounts = await lockAccounts(client, [acting.accountId, ...others])
    const account = accounts.get(acting.accountId)
    if (account?.disabledAt !== null) throw new LatchkeyError('token_revoked')
    await this.#checkSession(client, acting, demand)
    await this.#checkSecret(client, acting)
    return accounts
  }

  async #checkSession(
    client: SqlClient,
    { accountId, sessionId, impersonatorId }: Acting,
    { allowsImpersonation = false }: ActorDemand,
  ): Promise<void> {
    const nowMs = this.#clock.now()
    const { rows } = await client.query<{ impersonatedBy: string | null }>(
      `select impersonated_by as "impersonatedBy" from server_sessions
       where id = $1 and account_id = $2 and ended_at is null and expires_at > $3 and last_used_at > $4`,
      [sessionId, accountId, nowMs, nowMs - this.#sessionIdleTtlSec * 1000],
    )
    const [session] = rows
    if (session === undefined) throw new LatchkeyError('session_ended')
    // A token with another claim `act` than its session was forged.
    if (session.impersonatedBy !== (impersonatorId ?? null)) throw new LatchkeyError('session_forged')
    if (session.impersonatedBy !== null && !allowsImpersonation) {
      throw sessionFailures.refusal('impersonation_read_only')
    }
  }

  /** A password change keeps the session but ends its tokens, which only the secret shows. */
  async #checkSecret(client: SqlClient, { accountId, keyId }: Acting): Promise<void> {
    const { rows } = await client.query<{ retiresAt: number | null; reissueRequired: number }>(
      `select retires_at as "retiresAt", reissue_required as "reissueRequired" from latchkey_secrets
       where kid = $1 and tenant_id = $2`,
      [keyId, accountId],
    )
    const [secret] = rows
    if (secret === undefined) throw new LatchkeyError('token_revoked')
    if (secret.reissueRequired === 1) throw new LatchkeyError('reissue_required')
    const holds = secret.retiresAt === null || this.#clock.now() < secret.retiresAt
    if (!holds) throw new LatchkeyError('token_revoked')
  }
}
