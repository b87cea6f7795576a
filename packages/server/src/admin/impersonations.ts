import type { SqlClient } from 'latchkey/sql'
import * as table from '../accounts/account-table.js'
import { accountFailures } from '../accounts/failures.js'
import type { OneTimeTokens } from '../accounts/one-time-tokens.js'
import type { RecentAuthentication } from '../accounts/recent-authentication.js'
import type { SignedIn } from '../accounts/signed-in.js'
import type { Configuration } from '../config/configuration.js'
import type { Core } from '../core.js'
import type { Outbox } from '../mail/outbox.js'
import type { RequestOrigin } from '../request-origin.js'
import { type LockedAccount, lockAccounts } from '../sessions/account-lock.js'
import * as impersonations from '../sessions/impersonation-table.js'
import { findSession, type Session } from '../sessions/session-table.js'
import type { Sessions } from '../sessions/sessions.js'
import type { ActingAdministrator, AdministratorRights } from './administrator.js'
import { adminFailures } from './failures.js'

interface Dependencies {
  readonly rights: AdministratorRights
  readonly recentAuthentication: RecentAuthentication
  readonly oneTimeTokens: OneTimeTokens
  readonly sessions: Sessions
  readonly outbox: Outbox
}

/** The order of an administrator. */
export interface ImpersonationOrder {
  /** For the audit log. */
  readonly reason: string
  /** The time after which the session ends. */
  readonly minutes: number
}

/** A link that opens the session once. `expiresAt`: milliseconds since 1970. */
export interface ImpersonationLink {
  readonly url: string
  readonly expiresAt: number
}

/** The time for which the link works: it is only handed to another window. */
const linkTtlSec = 120

/**
 * Administrators who act in a session of another account, to see what its owner sees (break-glass).
 *
 * The session ends after the time that was ordered, and cannot be prolonged. It ends earlier with
 * the session or the right of the administrator, and when its owner ends it. It can change nothing
 * of the account (`Actors.lock`). Its tokens name the administrator (`act`, RFC 8693 §4.1).
 */
export class Impersonations {
  readonly #core: Core
  readonly #dependencies: Dependencies
  readonly #settings: Pick<Configuration, 'impersonation' | 'issuer'>

  constructor(core: Core, dependencies: Dependencies, settings: Pick<Configuration, 'impersonation' | 'issuer'>) {
    this.#core = core
    this.#dependencies = dependencies
    this.#settings = settings
  }

  /**
   * Creates a link that opens a session of the account once, within two minutes.
   *
   * @throws Problem `impersonation_off`, `impersonation_refused` for an account that is not that of
   * a user, `account_unknown`, `account_disabled`, `recent_authentication_required`; and those of
   * `AdministratorRights.lock`
   */
  async create(by: ActingAdministrator, id: string, order: ImpersonationOrder): Promise<ImpersonationLink> {
    this.#checkEnabled()
    const { store, audit } = this.#core
    const { rights, recentAuthentication, oneTimeTokens } = this.#dependencies
    return store.transaction(async (client) => {
      const accounts = await rights.lock(client, by, [id])
      // Also where administrators need no second factor.
      await recentAuthentication.check(client, by)
      requireUser(accounts.get(id))
      const { reason, minutes } = order
      const data = { madeBy: by.accountId, session: by.sessionId, reason, minutes }
      const link = await oneTimeTokens.issue(client, { purpose: 'impersonate', accountId: id, data }, linkTtlSec)
      await audit.done(client, 'impersonation_create', by, { account: id, detail: { reason, minutes } })
      return { url: `${this.#settings.issuer}/impersonate#token=${link.token}`, expiresAt: link.expiresAt }
    })
  }

  /**
   * Opens the session of a link. The rights of its maker are checked again in the transaction.
   *
   * @throws Problem `impersonation_off`, `link_invalid`, also if its maker has signed out or is no
   * administrator any more, `impersonation_refused`, `account_disabled`
   */
  async open(token: string, origin: RequestOrigin): Promise<SignedIn> {
    this.#checkEnabled()
    const { store } = this.#core
    const { oneTimeTokens, sessions } = this.#dependencies
    const { accountId: id, data: found } = await oneTimeTokens.find(token, 'impersonate')
    if (id === null) throw accountFailures.refusal('link_invalid')
    const opened = await store.transaction(async (client) => {
      const accounts = await lockAccounts(client, [id, found.madeBy])
      const { accountId, data } = await oneTimeTokens.redeem(client, token, 'impersonate')
      const isSame = accountId === id && data.madeBy === found.madeBy
      if (!isSame || !(await this.#isEntitled(client, accounts.get(data.madeBy), data.session)))
        throw accountFailures.refusal('link_invalid')
      requireUser(accounts.get(id))
      const account = await table.findAccount(client, id)
      if (account === undefined) throw accountFailures.refusal('account_unknown')
      return { account, session: await this.#begin(client, account, { ...data, origin }) }
    })
    return { account: opened.account, tokens: await sessions.tokensFor(opened.session) }
  }

  /**
   * Ends the sessions of administrators who may not act any more, with their tokens, and records
   * each end. Call it every few seconds.
   */
  async settle(): Promise<void> {
    const { store } = this.#core
    for (const impersonation of await impersonations.listImpersonations(store)) {
      if ((await this.#causeOfEnd(store, impersonation)) === undefined) continue
      await store.transaction((client) => this.#end(client, impersonation))
    }
  }

  async #begin(
    client: SqlClient,
    account: table.Account,
    {
      madeBy,
      session: madeIn,
      reason,
      minutes,
      origin,
    }: ImpersonationOrder & {
      readonly madeBy: string
      readonly session: string
      readonly origin: RequestOrigin
    },
  ): Promise<Session> {
    const { sessions, outbox } = this.#dependencies
    const beganAt = this.#core.clock.now()
    const endsAt = beganAt + minutes * 60_000
    const { id: accountId } = account
    const session = await sessions.openImpersonated(client, accountId, {
      impersonator: madeBy,
      origin,
      expiresAt: endsAt,
    })
    await impersonations.insertImpersonation(client, {
      sessionId: session.id,
      accountId,
      impersonator: madeBy,
      impersonatorSession: madeIn,
      reason,
      beganAt,
      endsAt,
    })
    if (this.#settings.impersonation === 'notify') await outbox.notify(client, account, { kind: 'impersonated' })
    const actor = { accountId: madeBy, sessionId: madeIn, address: origin.address }
    const detail = { reason, minutes, acting_session: madeIn }
    await this.#core.audit.done(client, 'impersonation_begin', actor, {
      account: accountId,
      session: session.id,
      detail,
    })
    return session
  }

  async #end(client: SqlClient, impersonation: impersonations.Impersonation): Promise<void> {
    const { accountId, sessionId, impersonator, impersonatorSession, reason } = impersonation
    await lockAccounts(client, [accountId])
    // The administrator may have stepped up since, which moves the impersonation.
    const cause = await this.#causeOfEnd(client, impersonation)
    if (cause === undefined || !(await impersonations.deleteImpersonation(client, sessionId))) return
    await this.#dependencies.sessions.end(client, { id: sessionId, accountId }, 'impersonation_end')
    const actor = { accountId: impersonator, sessionId: impersonatorSession, address: null }
    const detail = { reason, cause }
    await this.#core.audit.done(client, 'impersonation_end', actor, { account: accountId, session: sessionId, detail })
  }

  /** Returns why an impersonation is over, or must end; `undefined` if it goes on. */
  async #causeOfEnd(
    client: SqlClient,
    { sessionId, endsAt }: impersonations.Impersonation,
  ): Promise<'expired' | 'ended' | 'account_deleted' | 'setting_off' | 'right_ended' | undefined> {
    const nowMs = this.#core.clock.now()
    const session = await findSession(client, sessionId)
    if (session === undefined) return 'account_deleted'
    if (session.endedAt !== null) return 'ended'
    if (nowMs >= endsAt) return 'expired'
    if (this.#settings.impersonation === 'off') return 'setting_off'
    return (await impersonations.mayImpersonate(client, sessionId, nowMs)) ? undefined : 'right_ended'
  }

  async #isEntitled(client: SqlClient, maker: LockedAccount | undefined, sessionId: string): Promise<boolean> {
    if (maker?.role !== 'admin' || maker.disabledAt !== null) return false
    return impersonations.isLiveSession(client, { id: sessionId, accountId: maker.id }, this.#core.clock.now())
  }

  #checkEnabled(): void {
    if (this.#settings.impersonation === 'off') throw adminFailures.refusal('impersonation_off')
  }
}

/** Checks that the account is that of an enabled user. */
function requireUser(account: LockedAccount | undefined): void {
  if (account === undefined) throw accountFailures.refusal('account_unknown')
  if (account.role !== 'user') throw adminFailures.refusal('impersonation_refused')
  if (account.disabledAt !== null) throw accountFailures.refusal('account_disabled')
}
