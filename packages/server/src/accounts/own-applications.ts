import { createHash } from 'node:crypto'
import type { SqlClient } from 'latchkey/sql'
import type { Core } from '../core.js'
import { listAudienceUses } from '../exchange/audience-uses.js'
import type { RequestOrigin } from '../request-origin.js'
import type { Acting, Actors } from '../sessions/actors.js'
import type { Sessions } from '../sessions/sessions.js'
import { accountFailures } from './failures.js'

/** A service that received tokens in the name of an account. Times are milliseconds since 1970. */
export interface Application {
  /** Derived from the audience, for URLs. */
  readonly id: string
  readonly audience: string
  readonly firstUsedAt: number
  readonly lastUsedAt: number
  /** The live sessions in which it received them. */
  readonly sessionIds: readonly string[]
}

interface Dependencies {
  readonly actors: Actors
  readonly sessions: Sessions
}

/**
 * The applications of the acting account: the audiences for which tokens were issued in its live
 * sessions (token exchange, and forward-auth with an audience).
 */
export class OwnApplications {
  readonly #core: Core
  readonly #dependencies: Dependencies

  constructor(core: Core, dependencies: Dependencies) {
    this.#core = core
    this.#dependencies = dependencies
  }

  /** Returns the applications, in the order of their audiences. */
  list(accountId: string): Promise<readonly Application[]> {
    return this.#listIn(this.#core.store, accountId)
  }

  /**
   * Ends the sessions in which the application received tokens. Those that it has stay valid for at
   * most five minutes.
   *
   * @returns the IDs of the sessions
   * @throws Problem `application_unknown`
   */
  end(acting: Acting, applicationId: string, { address }: RequestOrigin): Promise<readonly string[]> {
    const { store, audit } = this.#core
    const { actors, sessions } = this.#dependencies
    return store.transaction(async (client) => {
      await actors.lock(client, acting)
      const applications = await this.#listIn(client, acting.accountId)
      const application = applications.find(({ id }) => id === applicationId)
      if (application === undefined) throw accountFailures.refusal('application_unknown')
      for (const id of application.sessionIds) {
        await sessions.end(client, { id, accountId: acting.accountId }, 'ended_by_user')
        const detail = { acting_session: acting.sessionId, audience: application.audience }
        await audit.done(client, 'session_end', { ...acting, address }, { session: id, detail })
      }
      return application.sessionIds
    })
  }

  async #listIn(client: SqlClient, accountId: string): Promise<readonly Application[]> {
    const live = new Set((await this.#dependencies.sessions.list(accountId, client)).map(({ id }) => id))
    const found = new Map<string, Application>()
    for (const { sessionId, audience, firstUsedAt, lastUsedAt } of await listAudienceUses(client, accountId)) {
      if (!live.has(sessionId)) continue
      const known = found.get(audience)
      found.set(audience, {
        id: idOf(audience),
        audience,
        firstUsedAt: Math.min(firstUsedAt, known?.firstUsedAt ?? firstUsedAt),
        lastUsedAt: Math.max(lastUsedAt, known?.lastUsedAt ?? lastUsedAt),
        sessionIds: [...(known?.sessionIds ?? []), sessionId],
      })
    }
    return [...found.values()]
  }
}

function idOf(audience: string): string {
  return createHash('sha256').update(audience).digest('base64url').slice(0, 22)
}
