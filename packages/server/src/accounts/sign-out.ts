import { LatchkeyError } from 'latchkey'
import type { Core } from '../core.js'
import type { RequestOrigin } from '../request-origin.js'
import type { Acting, Actors } from '../sessions/actors.js'
import { sessionFailures } from '../sessions/failures.js'
import type { Sessions } from '../sessions/sessions.js'

/** Ends sessions of the acting account. */
export class SignOut {
  readonly #core: Core
  readonly #actors: Actors
  readonly #sessions: Sessions

  constructor(core: Core, { actors, sessions }: { readonly actors: Actors; readonly sessions: Sessions }) {
    this.#core = core
    this.#actors = actors
    this.#sessions = sessions
  }

  /** Ends the acting session. */
  async logout(acting: Acting, { address }: RequestOrigin): Promise<void> {
    const { store, audit } = this.#core
    await store.transaction(async (client) => {
      await this.#actors.lock(client, acting, [], { allowsImpersonation: true })
      const session = { id: acting.sessionId, accountId: acting.accountId }
      const ended = await this.#sessions.end(client, session, 'logout')
      if (!ended) throw new LatchkeyError('session_ended')
      await audit.done(client, 'logout', { ...acting, address })
    })
  }

  /** Ends another session of the account, or the acting one. Throws `session_unknown`. */
  async endSession(acting: Acting, sessionId: string, { address }: RequestOrigin): Promise<void> {
    const { store, audit } = this.#core
    await store.transaction(async (client) => {
      await this.#actors.lock(client, acting)
      const session = { id: sessionId, accountId: acting.accountId }
      const ended = await this.#sessions.end(client, session, 'ended_by_user')
      if (!ended) throw sessionFailures.refusal('session_unknown')
      const detail = { acting_session: acting.sessionId }
      await audit.done(client, 'session_end', { ...acting, address }, { session: sessionId, detail })
    })
  }

  /** Ends every session of the account and every token issued so far. */
  async logoutAll(acting: Acting, { address }: RequestOrigin): Promise<void> {
    const { store, keys, audit } = this.#core
    await store.transaction(async (client) => {
      await this.#actors.lock(client, acting)
      await this.#sessions.endAll(client, acting.accountId, 'logout')
      await keys.revoke(acting.accountId, { client })
      await audit.done(client, 'logout_all', { ...acting, address })
    })
  }
}
