import type { Auth, Latchkey } from 'latchkey'
import type { SqlClient } from 'latchkey/sql'
import { type Client, lockClient } from '../clients/client-table.js'
import { clientFailures } from '../clients/failures.js'
import type { Core } from '../core.js'
import { isClient } from '../grants.js'
import { lockAccounts } from '../sessions/account-lock.js'
import type { Sessions } from '../sessions/sessions.js'
import { oauthFailures } from './failures.js'
import { isCompact } from './introspection.js'
import { isNotValid } from './is-not-valid.js'

/** The author of a revocation. */
export interface Revoker {
  /** The authenticated client, if there is one. */
  readonly client: Client | undefined
  readonly address: string
}

/** A session of an account, or a token of a client, which is a session of its own. */
interface Revocable {
  readonly id: string
  readonly accountId: string
  readonly isClients: boolean
}

/**
 * Revokes tokens (RFC 7009). Tokens of accounts were issued to no client: any holder may end the
 * session, as by a logout. Only the client itself ends a token of a client, and that token alone.
 */
export class TokenRevocation {
  readonly #core: Core
  readonly #latchkey: Latchkey
  readonly #sessions: Sessions

  constructor(core: Core, { latchkey, sessions }: { readonly latchkey: Latchkey; readonly sessions: Sessions }) {
    this.#core = core
    this.#latchkey = latchkey
    this.#sessions = sessions
  }

  /**
   * Revokes a token; does nothing for an invalid one.
   *
   * @throws Problem `client_unauthenticated`, `client_disabled`, `token_not_own` for a client's
   * token
   */
  async revoke(token: string, by: Revoker): Promise<void> {
    const found = await this.#find(token)
    if (found === undefined) return
    if (found.isClients) await this.#checkOwn(found, by)
    await this.#core.store.transaction(async (client) => {
      if (!found.isClients) await lockAccounts(client, [found.accountId])
      if (by.client !== undefined) checkActing(await lockClient(client, by.client.id))
      if (await this.#end(client, found)) await this.#record(client, found, by)
    })
  }

  async #find(token: string): Promise<Revocable | undefined> {
    try {
      if (isCompact(token)) return sessionOf(await this.#latchkey.verify(token))
      return { ...(await this.#sessions.findLiveSession(token)), isClients: false }
    } catch (error) {
      if (isNotValid(error)) return undefined
      throw error
    }
  }

  async #checkOwn({ id, accountId }: Revocable, { client, address }: Revoker): Promise<void> {
    if (client?.id === accountId) return
    const actor = { accountId: client?.id ?? null, address }
    await this.#core.audit.countRefused('token_revoke', actor, { account: accountId, session: id })
    if (client === undefined) throw clientFailures.refusal('client_unauthenticated')
    throw oauthFailures.refusal('token_not_own')
  }

  /** Returns whether there was something to end. */
  async #end(client: SqlClient, found: Revocable): Promise<boolean> {
    if (!found.isClients) return this.#sessions.end(client, found, 'token_revoke')
    await this.#core.keys.revokeSession(found.accountId, found.id, { client })
    return true
  }

  #record(database: SqlClient, { id, accountId }: Revocable, { client, address }: Revoker): Promise<void> {
    // The holder of an account's token acts as its owner.
    const actor = { accountId: client?.id ?? accountId, address }
    return this.#core.audit.done(database, 'token_revoke', actor, { account: accountId, session: id })
  }
}

function sessionOf({ subject, sessionId, grants }: Auth): Revocable | undefined {
  if (sessionId === undefined) return undefined
  return { id: sessionId, accountId: subject, isClients: isClient(grants) }
}

/** Checks the client again: it was authenticated before the transaction. */
function checkActing(client: Client | undefined): void {
  if (client === undefined) throw clientFailures.refusal('client_unauthenticated')
  if (client.disabledAt !== null) throw clientFailures.refusal('client_disabled')
}
