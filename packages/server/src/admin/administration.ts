import type { Clock, TenantDescription, TenantSecrets } from 'latchkey'
import type { SqlClient, SqlStore } from 'latchkey/sql'
import * as table from '../accounts/account-table.js'
import { canAdminister, requireAdministrator, type SignInRule } from '../accounts/administrators.js'
import { tryCanonicalEmail } from '../accounts/email-address.js'
import type { JsonObject } from '../accounts/merge-patch.js'
import type { Profiles } from '../accounts/profiles.js'
import type { AuditDetail } from '../audit/audit-detail.js'
import type { AuditEntry, AuditEvent, AuditRecord } from '../audit/audit-record.js'
import { type AuditQuery, type AuditTrail, readAudit } from '../audit/audit-trail.js'
import { grantsOfAccount, rightsOf, storeGrants } from '../grants.js'
import { Problem } from '../problem.js'
import type { Actors } from '../sessions/actors.js'
import { findSession, type Session } from '../sessions/session-table.js'
import type { Sessions } from '../sessions/sessions.js'
import { type Administrator, isOperator, lockAdministrator } from './administrator.js'
import { type Page, pageOf } from './page.js'

/** What `Administration` works with. */
export interface AdministrationOptions extends SignInRule {
  readonly store: SqlStore
  readonly keys: TenantSecrets<SqlClient>
  readonly sessions: Sessions
  readonly actors: Actors
  readonly profiles: Profiles
  readonly audit: AuditTrail
  readonly clock: Clock
}

/** What may change in what an account may do; at least one of them is given. */
export type GrantsChange = Pick<table.AccountChange, 'role' | 'roles' | 'scope'>

/** What is done to an account and its secret in one transaction. Resolves with the detail of its audit entry, if it has one. */
type Work = (client: SqlClient, account: table.Account) => Promise<AuditDetail | undefined>

/**
 * What administrators do with other people's accounts. Everything fails with `account_unknown` when
 * there is no such account, and each change as `lockAdministrator` does.
 */
export class Administration {
  readonly #options: AdministrationOptions

  constructor(options: AdministrationOptions) {
    this.#options = options
  }

  /** Fails with `admin_required` unless the account is an administrator's now, whatever its token says. */
  async checkAdmin(accountId: string): Promise<void> {
    const account = await table.findAccount(this.#options.store, accountId)
    const admin = account?.role === 'admin' && account.disabledAt === null
    if (!admin) throw new Problem('admin_required')
  }

  /** Accounts whose address or name holds `search`, oldest first. */
  async list(query: { search: string; after: string; limit: number }): Promise<Page<table.Account>> {
    const found = await table.listAccounts(this.#options.store, { ...query, limit: query.limit + 1 })
    return pageOf(found, query.limit)
  }

  async read(id: string): Promise<table.Account> {
    return known(await table.findAccount(this.#options.store, id))
  }

  /** The account with this ID or this address. */
  async find(idOrEmail: string): Promise<table.Account> {
    if (!idOrEmail.includes('@')) return this.read(idOrEmail)
    return known(await table.findAccountByEmail(this.#options.store, tryCanonicalEmail(idOrEmail)))
  }

  /** Versions and dates of the account's secret; never the secret. */
  async describeSecrets(id: string): Promise<TenantDescription> {
    return known(await this.#options.keys.describe(id))
  }

  /** Living sessions, newest first. */
  async listSessions(id: string): Promise<readonly Session[]> {
    await this.read(id)
    return this.#options.sessions.list(id)
  }

  /**
   * Ends one session and its tokens.
   *
   * @returns the session that has ended
   * @throws Problem `session_unknown` if there is no such session, or it has ended before
   */
  async endSession(by: Administrator, id: string): Promise<Session> {
    const { store, sessions, audit } = this.#options
    const session = await findSession(store, id)
    if (session === undefined) throw new Problem('session_unknown')
    const { accountId: account } = session
    await store.transaction(async (client) => {
      await lockAdministrator(this.#options, client, by, [account])
      if (!(await sessions.end(client, session, 'ended_by_admin'))) throw new Problem('session_unknown')
      await audit.append(client, {
        event: 'session_end',
        outcome: 'done',
        actor: by.accountId,
        account,
        session: id,
        address: by.address,
        detail: by.sessionId === undefined ? undefined : { acting_session: by.sessionId },
      })
    })
    return session
  }

  /** What was logged, newest first. */
  async readAudit(query: AuditQuery): Promise<Page<AuditRecord>> {
    const found = await readAudit(this.#options.store, { ...query, limit: query.limit + 1 })
    return pageOf(found, query.limit)
  }

  /** A new secret signs; nobody is logged out. Fails with `too_many_rotations`, `tenant_inactive`. */
  rotate(by: Administrator, id: string): Promise<table.Account> {
    return this.#change(by, id, 'secret_rotate', async (client) => {
      await this.#options.keys.rotate(id, { client })
      return undefined
    })
  }

  /** Every session and every token of the account ends. */
  revoke(by: Administrator, id: string): Promise<table.Account> {
    return this.#change(by, id, 'secret_revoke', async (client) => {
      await this.#options.sessions.endAll(client, id, 'ended_by_admin')
      await this.#options.keys.revoke(id, { client })
      return undefined
    })
  }

  /** The account can no longer sign in; its sessions and tokens end. Fails with `own_account`, `last_administrator`. */
  disable(by: Administrator, id: string): Promise<table.Account> {
    checkOther(by, id)
    return this.#change(by, id, 'account_disable', async (client, { disabledAt }) => {
      await table.updateAccount(client, { id }, { disabledAt: disabledAt ?? this.#now() })
      await this.#options.sessions.endAll(client, id, 'disabled')
      await this.#options.keys.disable(id, { client })
      return undefined
    })
  }

  /** The account can sign in again; nothing that ended comes back. */
  enable(by: Administrator, id: string): Promise<table.Account> {
    return this.#change(by, id, 'account_enable', async (client) => {
      await table.updateAccount(client, { id }, { disabledAt: null })
      await this.#options.keys.enable(id, { client })
      return undefined
    })
  }

  /** The address counts as its owner's, as if a mailed link had been followed; where it did before, nothing changes. */
  verifyEmail(by: Administrator, id: string): Promise<table.Account> {
    return this.#change(by, id, 'email_verify', async (client, { emailVerifiedAt }) => {
      await table.updateAccount(client, { id }, { emailVerifiedAt: emailVerifiedAt ?? this.#now() })
      return undefined
    })
  }

  /** Merges a patch into the profile, its protected members included. Fails as `Profiles.apply` does. */
  changeProfile(by: Administrator, id: string, patch: JsonObject): Promise<table.Account> {
    return this.#change(by, id, 'profile_change', async (client) => {
      await this.#options.profiles.apply(client, id, patch)
      return undefined
    })
  }

  /**
   * Changes what the account may do, here (`role`) and in the applications behind (`roles`, `scope`). It holds at once for the tokens that it has, which go
   * on. Fails with `grants_too_large`, `last_administrator`, and with `own_account` where an administrator would change the own `role`.
   */
  changeGrants(by: Administrator, id: string, grants: GrantsChange): Promise<table.Account> {
    if (grants.role !== undefined) checkOther(by, id)
    return this.#change(by, id, 'role_change', async (client, account) => {
      const changed = known(await table.updateAccount(client, { id }, grants))
      await storeGrants(client, this.#options.keys, { tenant: id, grants: grantsOfAccount(changed) })
      return { before: rightsOf(account), after: rightsOf(changed) }
    })
  }

  /**
   * Deletes the account with its sessions and its secret. Fails with `own_account`,
   * `last_administrator`. The operator may delete the last administrator.
   */
  async delete(by: Administrator, id: string): Promise<void> {
    checkOther(by, id)
    await this.#options.store.transaction(async (client) => {
      await lockAdministrator(this.#options, client, by, [id])
      const account = known(await table.findAccount(client, id))
      await table.deleteAccount(client, { id })
      await this.#options.keys.forget(id, { client })
      if (!isOperator(by)) await this.#keepAdministrator(client, account, undefined)
      await this.#audit(client, by, { event: 'account_delete', account: id })
    })
  }

  /** Locks the author and the account, does the work, logs it, and returns the new account. */
  async #change(by: Administrator, id: string, event: AuditEvent, work: Work): Promise<table.Account> {
    return this.#options.store.transaction(async (client) => {
      await lockAdministrator(this.#options, client, by, [id])
      const account = known(await table.findAccount(client, id))
      const detail = await work(client, account)
      const changed = known(await table.findAccount(client, id))
      await this.#keepAdministrator(client, account, changed)
      await this.#audit(client, by, { event, account: id, detail })
      return changed
    })
  }

  /** Fails with `last_administrator` if the change has taken away the last one. */
  async #keepAdministrator(client: SqlClient, before: table.Account, after: table.Account | undefined): Promise<void> {
    const isOne = after !== undefined && canAdminister(after, this.#options)
    if (canAdminister(before, this.#options) && !isOne) await requireAdministrator(client, this.#options)
  }

  #audit(
    client: SqlClient,
    { accountId: actor, sessionId: session, address }: Administrator,
    what: Pick<AuditEntry, 'event' | 'account' | 'detail'>,
  ): Promise<void> {
    return this.#options.audit.append(client, { ...what, outcome: 'done', actor, session, address })
  }

  #now(): number {
    return this.#options.clock.now()
  }
}

function known<T>(found: T | undefined): T {
  if (found === undefined) throw new Problem('account_unknown')
  return found
}

function checkOther(by: Administrator, id: string): void {
  if (by.accountId === id) throw new Problem('own_account')
}
