import { isDeepStrictEqual } from 'node:util'
import type { TenantDescription } from 'latchkey'
import type { SqlClient } from 'latchkey/sql'
import * as table from '../accounts/account-table.js'
import { canAdminister, requireAdministrator } from '../accounts/administrators.js'
import { tryCanonicalEmail } from '../accounts/email-address.js'
import { accountFailures } from '../accounts/failures.js'
import type { JsonObject } from '../accounts/merge-patch.js'
import type { FactorOverview } from '../accounts/own-factors.js'
import type { Profiles } from '../accounts/profiles.js'
import { type AccountQuery, searchAccounts } from '../accounts/search-accounts.js'
import type { AuditDetail } from '../audit/audit-detail.js'
import type { AuditEvent, AuditRecord } from '../audit/audit-record.js'
import { type AuditQuery, readAudit } from '../audit/read-audit.js'
import type { Configuration } from '../config/configuration.js'
import type { Core } from '../core.js'
import { listFactors } from '../factors/factor-table.js'
import { countRecoveryCodes } from '../factors/recovery-codes.js'
import type { TrustedDevices } from '../factors/trusted-devices.js'
import { type AccountRights, grantsOfAccount, mayAdminister, rightsOf, storeGrants } from '../grants.js'
import type { Acting } from '../sessions/actors.js'
import { sessionFailures } from '../sessions/failures.js'
import { type EndedSessionsPage, findSession, type Session, type StoredSession } from '../sessions/session-table.js'
import type { Sessions } from '../sessions/sessions.js'
import { type Administrator, type AdministratorRights, isOperator } from './administrator.js'
import { adminFailures } from './failures.js'
import { type Page, pageOf } from './page.js'

/** The parts of other domains that administration uses. */
interface Dependencies {
  readonly sessions: Sessions
  readonly rights: AdministratorRights
  readonly profiles: Profiles
  readonly trustedDevices: TrustedDevices
}

/** A change of the rights and the language of an account, with at least one member. */
export type GrantsChange = Pick<table.AccountChange, 'role' | 'roles' | 'scope' | 'locale'>

/**
 * Checks within the transaction of a change. An error of theirs ends it, and nothing has changed.
 */
export interface ChangeChecks {
  /** Called with the locked account before the change. */
  readonly before?: (account: table.Account) => void
  /** Called after the change, before the commit. */
  readonly after?: () => void
}

/**
 * A change of an account and its secret in one transaction. Returns the detail of its audit entry,
 * if any.
 */
type Work = (client: SqlClient, account: table.Account) => Promise<AuditDetail | undefined>

/**
 * Administration of accounts. Every method throws `account_unknown` if there is no such account.
 * Methods that take an administrator throw as `AdministratorRights.lock` does.
 */
export class Administration {
  readonly #core: Core
  readonly #dependencies: Dependencies
  readonly #settings: Pick<Configuration, 'unverifiedSignIn'>

  constructor(core: Core, dependencies: Dependencies, settings: Pick<Configuration, 'unverifiedSignIn'>) {
    this.#core = core
    this.#dependencies = dependencies
    this.#settings = settings
  }

  /**
   * Checks that the stored account is an enabled administrator, or, for a route that only reads, an
   * enabled auditor; and its session. A change is checked once more in its transaction.
   *
   * @throws Problem `admin_required`, and those of `AdministratorRights.checkFactor`
   */
  async checkAdmin(
    by: Pick<Acting, 'accountId' | 'sessionId'>,
    { isChange }: { readonly isChange: boolean },
  ): Promise<void> {
    const { store } = this.#core
    const account = await table.findAccount(store, by.accountId)
    const isAdmitted = account?.disabledAt === null && mayAdminister(account.role, { isChange })
    if (!isAdmitted) throw adminFailures.refusal('admin_required')
    await this.#dependencies.rights.checkFactor(store, by, { recent: isChange })
  }

  /**
   * Returns accounts that match `search` and the filter, oldest first; all if both are empty. See
   * `searchAccounts` for what matches, and why a page may be short.
   */
  async list(query: AccountQuery): Promise<Page<table.Account>> {
    const { search, after, limit, ...filter } = query
    const isFiltered = search.trim() !== '' || Object.values(filter).some((value) => value !== undefined)
    if (isFiltered) return searchAccounts(this.#core, query)
    const found = await table.listAccounts(this.#core.store, { ...query, limit: query.limit + 1 })
    return pageOf(found, query.limit)
  }

  async read(id: string): Promise<table.Account> {
    return known(await table.findAccount(this.#core.store, id))
  }

  /** Returns the account with this ID or this address. */
  async find(idOrEmail: string): Promise<table.Account> {
    if (!idOrEmail.includes('@')) return this.read(idOrEmail)
    return known(await table.findAccountByEmail(this.#core.store, tryCanonicalEmail(idOrEmail)))
  }

  /** Returns versions and dates of the account's secrets; never a secret. */
  async describeSecrets(id: string): Promise<TenantDescription> {
    return known(await this.#core.keys.describe(id))
  }

  /** Returns the live sessions of the account, newest first. */
  async listSessions(id: string): Promise<readonly Session[]> {
    await this.read(id)
    return this.#dependencies.sessions.list(id)
  }

  /**
   * Returns the sessions of the account that have ended or expired within a day, newest first:
   * those before the ID `before`. Older ones are deleted; the audit log has their entries.
   */
  async listEndedSessions(id: string, page: EndedSessionsPage): Promise<Page<StoredSession>> {
    await this.read(id)
    return pageOf(await this.#dependencies.sessions.listEnded(id, { ...page, limit: page.limit + 1 }), page.limit)
  }

  /** Returns the confirmed factors of the account, and what else a sign-in accepts instead. */
  async listFactors(id: string): Promise<FactorOverview> {
    const { store } = this.#core
    await this.read(id)
    return {
      factors: (await listFactors(store, id)).filter(({ confirmedAt }) => confirmedAt !== null),
      recoveryCodes: await countRecoveryCodes(store, id),
      trustedDevices: await this.#dependencies.trustedDevices.list(store, id),
    }
  }

  /**
   * Ends one session and its tokens.
   *
   * @param accountId - The account that the session must belong to, if the caller names one.
   * @returns the session that has ended
   * @throws Problem `session_unknown` if there is no such live session
   */
  async endSession(by: Administrator, id: string, accountId?: string): Promise<Session> {
    const { store, audit } = this.#core
    const { sessions } = this.#dependencies
    const session = await findSession(store, id)
    if (session === undefined || (accountId ?? session.accountId) !== session.accountId)
      throw sessionFailures.refusal('session_unknown')
    const { accountId: account } = session
    await store.transaction(async (client) => {
      await this.#dependencies.rights.lock(client, by, [account])
      if (!(await sessions.end(client, session, 'ended_by_admin'))) throw sessionFailures.refusal('session_unknown')
      const detail = by.sessionId === undefined ? undefined : { acting_session: by.sessionId }
      await audit.done(client, 'session_end', by, { account, session: id, detail })
    })
    return session
  }

  /** Returns entries of the audit log, newest first. See `readAudit` for why a page may be short. */
  async readAudit(query: AuditQuery): Promise<Page<AuditRecord>> {
    return readAudit(this.#core, query)
  }

  /**
   * Rotates the secret; sessions and tokens stay valid. Throws `too_many_rotations`,
   * `tenant_inactive`.
   */
  rotate(by: Administrator, id: string, checks: ChangeChecks = {}): Promise<table.Account> {
    return this.#change(
      by,
      id,
      'secret_rotate',
      async (client) => {
        await this.#core.keys.rotate(id, { client })
        return undefined
      },
      checks,
    )
  }

  /** Ends every session and every token of the account. */
  revoke(by: Administrator, id: string, checks: ChangeChecks = {}): Promise<table.Account> {
    return this.#change(
      by,
      id,
      'secret_revoke',
      async (client) => {
        await this.#dependencies.sessions.endAll(client, id, 'ended_by_admin')
        await this.#core.keys.revoke(id, { client })
        return undefined
      },
      checks,
    )
  }

  /**
   * Disables the account and ends its sessions and tokens. Throws `own_account`,
   * `last_administrator`.
   */
  disable(by: Administrator, id: string, checks: ChangeChecks = {}): Promise<table.Account> {
    checkNotSelf(by, id)
    return this.#change(
      by,
      id,
      'account_disable',
      async (client, { disabledAt }) => {
        await table.updateAccount(client, { id }, { disabledAt: disabledAt ?? this.#now() })
        await this.#dependencies.sessions.endAll(client, id, 'disabled')
        await this.#core.keys.disable(id, { client })
        return undefined
      },
      checks,
    )
  }

  /** Enables the account; sessions and tokens that ended stay ended. */
  enable(by: Administrator, id: string, checks: ChangeChecks = {}): Promise<table.Account> {
    return this.#change(
      by,
      id,
      'account_enable',
      async (client) => {
        await table.updateAccount(client, { id }, { disabledAt: null })
        await this.#core.keys.enable(id, { client })
        return undefined
      },
      checks,
    )
  }

  /** Marks the address as verified, if it is not yet. */
  verifyEmail(by: Administrator, id: string, checks: ChangeChecks = {}): Promise<table.Account> {
    return this.#change(
      by,
      id,
      'email_verify',
      async (client, { emailVerifiedAt }) => {
        await table.updateAccount(client, { id }, { emailVerifiedAt: emailVerifiedAt ?? this.#now() })
        return undefined
      },
      checks,
    )
  }

  /**
   * Merges a patch into the profile, protected members included. Throws as `Profiles.apply` does.
   */
  changeProfile(by: Administrator, id: string, patch: JsonObject): Promise<table.Account> {
    return this.#change(by, id, 'profile_change', async (client) => {
      await this.#dependencies.profiles.apply(client, id, patch)
      return undefined
    })
  }

  /**
   * Changes the rights of the account, here (`role`) and in applications (`roles`, `scope`), and
   * its language. The change applies at once to its tokens, which stay valid.
   *
   * @param from The rights that the account must have before. By default they may be any.
   * @throws Problem `grants_changed_meanwhile`, `grants_too_large`, `last_administrator`;
   * `own_account` for the administrator's own `role`
   */
  changeGrants(by: Administrator, id: string, grants: GrantsChange, from?: AccountRights): Promise<table.Account> {
    if (grants.role !== undefined) checkNotSelf(by, id)
    const { role, roles, scope } = grants
    const changesRights = role !== undefined || roles !== undefined || scope !== undefined
    return this.#change(by, id, changesRights ? 'role_change' : 'profile_change', async (client, account) => {
      if (from !== undefined && !isDeepStrictEqual(rightsOf(account), rightsOf(from))) {
        throw adminFailures.refusal('grants_changed_meanwhile')
      }
      const changed = known(await table.updateAccount(client, { id }, grants))
      if (!changesRights) return undefined
      await storeGrants(client, this.#core.keys, { tenant: id, grants: grantsOfAccount(changed) })
      return { before: rightsOf(account), after: rightsOf(changed) }
    })
  }

  /**
   * Deletes the account with its sessions and its secret. The operator may delete the last
   * administrator.
   *
   * @throws Problem `own_account`, `last_administrator`
   */
  async delete(by: Administrator, id: string): Promise<void> {
    checkNotSelf(by, id)
    await this.#core.store.transaction(async (client) => {
      await this.#dependencies.rights.lock(client, by, [id])
      const account = known(await table.findAccount(client, id))
      await table.deleteAccount(client, { id })
      await this.#core.keys.forget(id, { client })
      if (!isOperator(by)) await this.#requireRemainingAdministrator(client, account, undefined)
      await this.#core.audit.done(client, 'account_delete', by, { account: id })
    })
  }

  /**
   * Locks the administrator and the account, makes and records the change, and returns the changed
   * account.
   */
  async #change(
    by: Administrator,
    id: string,
    event: AuditEvent,
    work: Work,
    { before, after }: ChangeChecks = {},
  ): Promise<table.Account> {
    return this.#core.store.transaction(async (client) => {
      await this.#dependencies.rights.lock(client, by, [id])
      const account = known(await table.findAccount(client, id))
      before?.(account)
      const detail = await work(client, account)
      const changed = known(await table.findAccount(client, id))
      await this.#requireRemainingAdministrator(client, account, changed)
      await this.#core.audit.done(client, event, by, { account: id, detail })
      after?.()
      return changed
    })
  }

  /** Throws `last_administrator` if the change has removed the last enabled administrator. */
  async #requireRemainingAdministrator(
    client: SqlClient,
    before: table.Account,
    after: table.Account | undefined,
  ): Promise<void> {
    const isOne = after !== undefined && canAdminister(after, this.#settings)
    if (canAdminister(before, this.#settings) && !isOne) await requireAdministrator(client, this.#settings)
  }

  #now(): number {
    return this.#core.clock.now()
  }
}

function known<T>(found: T | undefined): T {
  if (found === undefined) throw accountFailures.refusal('account_unknown')
  return found
}

function checkNotSelf(by: Administrator, id: string): void {
  if (by.accountId === id) throw adminFailures.refusal('own_account')
}
