import type { Auth, Latchkey, TenantSecrets } from 'latchkey'
import type { SqlClient, SqlStore } from 'latchkey/sql'
import type { AuditTrail } from '../audit/audit-trail.js'
import { type Client, lockClient } from '../clients/client-table.js'
import { isClient } from '../grants.js'
import { Problem } from '../problem.js'
import { lockAccounts } from '../sessions/account-lock.js'
import type { Sessions } from '../sessions/sessions.js'
import { isCompact } from './introspection.js'
import { isNotValid } from './is-not-valid.js'

/** What `TokenRevocation` works with. */
export interface TokenRevocationOptions {
  readonly store: SqlStore
  readonly keys: TenantSecrets<SqlClient>
  readonly latchkey: Latchkey
  readonly sessions: Sessions
  readonly audit: AuditTrail
}

/** Who wants a token to end. */
export interface Revoker {
  /** The client that has shown who it is, if one has. */
  readonly client: Client | undefined
  readonly address: string
}

/** One login, or one token of a client, which is a session of its own. */
interface Revocable {
  readonly id: string
  readonly accountId: string
  readonly isClients: boolean
}

/**
 * Ends what a token belongs to (RFC 7009). People's tokens were issued to no client: whoever holds one may end its session, as by logging out. A
 * client's token is ended by that client, and alone: each is a session of its own.
 */
export class TokenRevocation {
  readonly #options: TokenRevocationOptions

  constructor(options: TokenRevocationOptions) {
    this.#options = options
  }

  /** Nothing happens to a token that does not hold. Fails with `client_unauthenticated`, `client_disabled`, `token_not_own` for the token of a client. */
  async revoke(token: string, by: Revoker): Promise<void> {
    const found = await this.#find(token)
    if (found === undefined) return
    if (found.isClients) await this.#checkOwn(found, by)
    await this.#options.store.transaction(async (client) => {
      if (!found.isClients) await lockAccounts(client, [found.accountId])
      if (by.client !== undefined) checkActing(await lockClient(client, by.client.id))
      if (await this.#end(client, found)) await this.#record(client, found, by)
    })
  }

  async #find(token: string): Promise<Revocable | undefined> {
    const { latchkey, sessions } = this.#options
    try {
      if (isCompact(token)) return sessionOf(await latchkey.verify(token))
      return { ...(await sessions.findLivingOf(token)), isClients: false }
    } catch (error) {
      if (isNotValid(error)) return undefined
      throw error
    }
  }

  async #checkOwn({ id, accountId }: Revocable, { client, address }: Revoker): Promise<void> {
    if (client?.id === accountId) return
    const entry = { event: 'token_revoke', outcome: 'refused', actor: client?.id ?? null, account: accountId } as const
    await this.#options.audit.tally({ ...entry, session: id, address })
    throw new Problem(client === undefined ? 'client_unauthenticated' : 'token_not_own')
  }

  /** Whether there was something to end. */
  async #end(client: SqlClient, found: Revocable): Promise<boolean> {
    const { sessions, keys } = this.#options
    if (!found.isClients) return sessions.end(client, found, 'token_revoke')
    await keys.revokeSession(found.accountId, found.id, { client })
    return true
  }

  #record(database: SqlClient, { id, accountId }: Revocable, { client, address }: Revoker): Promise<void> {
    return this.#options.audit.append(database, {
      event: 'token_revoke',
      outcome: 'done',
      // Whoever holds a token acts as its owner.
      actor: client?.id ?? accountId,
      account: accountId,
      session: id,
      address,
    })
  }
}

function sessionOf({ subject, sessionId, grants }: Auth): Revocable | undefined {
  if (sessionId === undefined) return undefined
  return { id: sessionId, accountId: subject, isClients: isClient(grants) }
}

/** The client was authenticated before the transaction; its present state counts. */
function checkActing(client: Client | undefined): void {
  if (client === undefined) throw new Problem('client_unauthenticated')
  if (client.disabledAt !== null) throw new Problem('client_disabled')
}
