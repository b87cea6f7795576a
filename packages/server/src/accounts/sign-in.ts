import { type Clock, LatchkeyError, type TenantSecrets } from 'latchkey'
import type { SqlClient, SqlStore } from 'latchkey/sql'
import type { AuditDetail } from '../audit/audit-detail.js'
import type { AuditEntry, AuditEvent } from '../audit/audit-record.js'
import type { AuditTrail } from '../audit/audit-trail.js'
import type { Permission } from '../config/settings.js'
import { grantsOfAccount, rightsOf, storeGrants } from '../grants.js'
import type { Outbox } from '../mail/outbox.js'
import { Problem, type ProblemCode } from '../problem.js'
import { type Admission, attemptAt, type GuessGuard, type VouchedDevice } from '../protection/guess-guard.js'
import type { RequestOrigin } from '../request-origin.js'
import type { Acting, Actors } from '../sessions/actors.js'
import type { Sessions, TokenSet } from '../sessions/sessions.js'
import * as table from './account-table.js'
import { canAdminister, hasAdministrator, requireAdministrator } from './administrators.js'
import type { DeviceConfirmation } from './device-confirmation.js'
import { canonicalEmail, tryCanonicalEmail } from './email-address.js'
import type { EmailVerification } from './email-verification.js'
import { draftAccount, insertDraft } from './new-account.js'
import type { OneTimeTokens } from './one-time-tokens.js'
import type { PasswordPolicy } from './password-policy.js'
import type { PasswordQueue, PasswordTurn } from './password-queue.js'

/** Somebody who has just signed in. */
export interface SignedIn {
  readonly account: table.Account
  readonly tokens: TokenSet
  /** Tells this device from strangers the next time it signs in; there after a login and a registration. */
  readonly deviceToken?: string
}

/** What `Accounts` works with. */
export interface AccountsOptions {
  readonly store: SqlStore
  readonly keys: TenantSecrets<SqlClient>
  readonly sessions: Sessions
  readonly actors: Actors
  readonly passwords: PasswordQueue
  readonly policy: PasswordPolicy
  readonly guesses: GuessGuard
  readonly confirmations: DeviceConfirmation
  readonly tokens: OneTimeTokens
  readonly outbox: Outbox
  readonly emails: EmailVerification
  readonly unverifiedSignIn: Permission
  readonly audit: AuditTrail
  readonly clock: Clock
}

/** Where a guess comes from, and the account that makes it. */
interface GuessOrigin {
  readonly origin: RequestOrigin
  readonly actor?: string | null
}

/** A login that has been admitted. */
interface SignIn {
  readonly email: string
  readonly password: string
  readonly admission: Admission
  readonly origin: RequestOrigin
  readonly turn: PasswordTurn
}

/** A login whose password was right. */
interface CheckedLogin {
  readonly account: table.StoredAccount
  /** Whether the password is to be hashed anew. */
  readonly rehash: boolean
}

/** Times that a login may find the hash it has checked replaced. */
const maxLoginAttempts = 2

/** What people do with their own accounts. Each change of an account and the end of the tokens it makes untrue are one transaction (C5). */
export class Accounts {
  readonly #options: AccountsOptions

  constructor(options: AccountsOptions) {
    this.#options = options
  }

  /**
   * A new session for whoever knows the password. Does the same work and fails with the same `invalid_credentials` whether or not
   * there is such an account; `account_disabled` and `email_unverified` are told only to who knows the password. Fails with `guess_delayed` before the password is
   * looked at, and with `device_confirmation_required` whatever the password is. `device`: the device token that came along.
   */
  async login(input: { email: string; password: string }, origin: RequestOrigin, device?: string): Promise<SignedIn> {
    const { store, passwords, guesses } = this.#options
    const email = tryCanonicalEmail(input.email)
    const found = await table.findStoredAccountByEmail(store, email)
    const attempt = attemptAt(found?.id ?? email, origin, device)
    const token = await guesses.knownDevice(attempt)
    const known = token === undefined ? undefined : { account: attempt.account, token }
    const turn = { use: 'login', origin, device: known } as const
    // Before the attempt is counted: a server without time must not cost its users an attempt.
    passwords.checkRoom(turn)
    const admission = await this.#recordDelay(guesses.admit(attempt), { account: found?.id ?? null, origin })
    try {
      return await this.#signIn(found, { password: input.password, email, admission, origin, turn })
    } catch (error) {
      await this.#takeBack(admission, error)
      throw error
    }
  }

  /** The account that a token speaks for. Fails with `token_revoked` when it is gone. */
  async read(accountId: string): Promise<table.Account> {
    const account = await table.findAccount(this.#options.store, accountId)
    if (account === undefined) throw new LatchkeyError('token_revoked')
    return account
  }

  /**
   * Changes the name, and asks for a change of address, which needs the password and becomes true once it is confirmed from the new address. Fails with
   * `password_required`, `password_wrong`, `email_invalid`, `email_taken`, `mail_unavailable`.
   */
  async update(
    acting: Acting,
    input: { email?: string | undefined; name?: string | null | undefined; password?: string | undefined },
    origin: RequestOrigin,
  ): Promise<table.Account> {
    const { store, outbox, emails } = this.#options
    if (input.email !== undefined && input.password === undefined) throw new Problem('password_required')
    const email = input.email === undefined ? undefined : canonicalEmail(input.email)
    if (email === undefined && input.name === undefined) return this.read(acting.accountId)
    if (email !== undefined) outbox.checkServed()
    const event = email === undefined ? 'profile_change' : 'email_change_request'
    const stored =
      input.password === undefined ? undefined : await this.#authenticate(acting, input.password, { event, origin })
    const name = input.name === undefined ? stored?.name : input.name
    return store.transaction(async (client) => {
      await this.#options.actors.lock(client, acting)
      const updated = await table.updateAccount(client, stored ?? { id: acting.accountId }, { name })
      if (updated === undefined) throw new LatchkeyError('token_revoked')
      if (input.name !== undefined) await this.#audit(client, 'profile_change', acting, origin)
      if (email === undefined || email === updated.email) return updated
      await emails.requestChange(client, updated, { email, origin })
      await this.#audit(client, 'email_change_request', acting, origin)
      return updated
    })
  }

  /** Sets a new password, ends all other sessions and every token issued so far, and gives this session new ones. */
  async changePassword(
    acting: Acting,
    input: { currentPassword: string; newPassword: string },
    origin: RequestOrigin,
  ): Promise<SignedIn> {
    const { store, keys, sessions, actors, passwords, tokens, outbox } = this.#options
    const stored = await this.#authenticate(acting, input.currentPassword, { event: 'password_change', origin })
    const newPassword = this.#options.policy.check(input.newPassword, stored)
    const passwordHash = await passwords.hash({ use: 'account', origin, account: acting.accountId }, newPassword)
    const [account, session] = await store.transaction(async (client) => {
      await actors.lock(client, acting)
      const updated = await table.updateAccount(client, stored, { passwordHash })
      if (updated === undefined) throw new Problem('password_wrong')
      const kept = await sessions.keepOnly(client, { id: acting.sessionId, accountId: acting.accountId })
      // Who has asked for a link may be the one whom the change is to keep out.
      await tokens.revokeAll(client, acting.accountId)
      await outbox.notify(client, updated, { kind: 'password_changed' })
      await keys.revoke(acting.accountId, { client })
      await this.#audit(client, 'password_change', acting, origin)
      return [updated, kept] as const
    })
    return { account, tokens: await sessions.tokensFor(session) }
  }

  /** Deletes the account with its sessions and its secret. Fails with `password_wrong`, `last_administrator`. */
  async delete(acting: Acting, password: string, origin: RequestOrigin): Promise<void> {
    const stored = await this.#authenticate(acting, password, { event: 'account_delete', origin })
    await this.#options.store.transaction(async (client) => {
      await this.#options.actors.lock(client, acting)
      const latest = await table.findAccount(client, acting.accountId)
      const deleted = await table.deleteAccount(client, stored)
      if (latest === undefined || !deleted) throw new Problem('password_wrong')
      await this.#options.keys.forget(acting.accountId, { client })
      if (canAdminister(latest, this.#options)) await requireAdministrator(client, this.#options)
      await this.#audit(client, 'account_delete', acting, origin)
    })
  }

  /** A device token to carry over to another device. Fails with `password_wrong`, `guess_delayed`. */
  async addDevice(acting: Acting, password: string, origin: RequestOrigin): Promise<VouchedDevice> {
    await this.#authenticate(acting, password, { event: 'device_add', origin })
    return this.#options.store.transaction(async (client) => {
      await this.#options.actors.lock(client, acting)
      await this.#audit(client, 'device_add', acting, origin)
      return this.#options.guesses.vouch(client, acting.accountId)
    })
  }

  /** Ends the session that acts. */
  async logout(acting: Acting, origin: RequestOrigin): Promise<void> {
    await this.#options.store.transaction(async (client) => {
      await this.#options.actors.lock(client, acting)
      const session = { id: acting.sessionId, accountId: acting.accountId }
      const ended = await this.#options.sessions.end(client, session, 'logout')
      if (!ended) throw new LatchkeyError('session_ended')
      await this.#audit(client, 'logout', acting, origin)
    })
  }

  /** Ends another session of the account, or this one. Fails with `session_unknown`. */
  async endSession(acting: Acting, sessionId: string, origin: RequestOrigin): Promise<void> {
    await this.#options.store.transaction(async (client) => {
      await this.#options.actors.lock(client, acting)
      const session = { id: sessionId, accountId: acting.accountId }
      const ended = await this.#options.sessions.end(client, session, 'ended_by_user')
      if (!ended) throw new Problem('session_unknown')
      await this.#audit(client, 'session_end', { ...acting, sessionId }, origin, { acting_session: acting.sessionId })
    })
  }

  /** Ends every session of the account and every token issued so far. */
  async logoutAll(acting: Acting, origin: RequestOrigin): Promise<void> {
    const { store, keys, sessions } = this.#options
    await store.transaction(async (client) => {
      await this.#options.actors.lock(client, acting)
      await sessions.endAll(client, acting.accountId, 'logout')
      await keys.revoke(acting.accountId, { client })
      await this.#audit(client, 'logout_all', acting, origin)
    })
  }

  /** Makes an administrator: a new account, or the one with this address if the password is its own. For the operator, not for a route. */
  async createAdmin(input: { email: string; password: string }): Promise<{ account: table.Account; created: boolean }> {
    const existing = await table.findStoredAccountByEmail(this.#options.store, canonicalEmail(input.email))
    if (existing !== undefined) return { account: await this.#promote(existing, input.password), created: false }
    const draft = await draftAccount(this.#options, input, { role: 'admin', turn: { use: 'operator' } })
    // The operator vouches for the address.
    const vouched = { ...draft, emailVerifiedAt: draft.createdAt }
    const account = await this.#options.store.transaction(async (client) => {
      const inserted = await insertDraft(client, this.#options, vouched)
      await this.#options.audit.append(client, {
        ...byOperator('register', inserted.id),
        detail: { role: inserted.role },
      })
      return inserted
    })
    return { account, created: true }
  }

  /** Whether somebody can use the admin routes. */
  hasAdmin(): Promise<boolean> {
    return hasAdministrator(this.#options.store, this.#options)
  }

  async #promote(existing: table.StoredAccount, password: string): Promise<table.Account> {
    const { store, keys, passwords } = this.#options
    if (!(await passwords.verify({ use: 'operator' }, password, existing.passwordHash)))
      throw new Problem('password_wrong')
    if (existing.disabledAt !== null) throw new Problem('account_disabled')
    if (existing.role === 'admin') return table.withoutHash(existing)
    return store.transaction(async (client) => {
      const promoted = await table.updateAccount(client, existing, { role: 'admin' })
      if (promoted === undefined) throw new Problem('password_wrong')
      await storeGrants(client, keys, { tenant: existing.id, grants: grantsOfAccount(promoted) })
      const detail = { before: rightsOf(existing), after: rightsOf(promoted) }
      await this.#options.audit.append(client, { ...byOperator('role_change', existing.id), detail })
      return promoted
    })
  }

  /** Checks the password and opens the session; once more if the hash was replaced meanwhile. */
  async #signIn(first: table.StoredAccount | undefined, input: SignIn): Promise<SignedIn> {
    let found = first
    for (let attempt = 0; attempt < maxLoginAttempts; attempt += 1) {
      const checked = await this.#checkCredentials(found, input)
      const signedIn = await this.#openFor(checked, input)
      if (signedIn !== undefined) return signedIn
      found = await table.findStoredAccountByEmail(this.#options.store, input.email)
    }
    throw new Problem('invalid_credentials')
  }

  async #checkCredentials(found: table.StoredAccount | undefined, input: SignIn): Promise<CheckedLogin> {
    const { passwords, confirmations, audit } = this.#options
    const { email, admission, origin } = input
    const { matches, rehash } = await passwords.compare(input.turn, input.password, found?.passwordHash)
    await confirmations.require({ email, account: found, passwordMatches: matches, admission }, origin)
    const refusal = matches && found !== undefined ? this.#refusalOf(found) : 'invalid_credentials'
    if (found !== undefined && refusal === undefined) return { account: found, rehash }
    const reason = refusal ?? 'invalid_credentials'
    const { address } = origin
    const entry = { event: 'login', outcome: 'refused', actor: null, account: found?.id ?? null, address } as const
    await audit.tally({ ...entry, detail: { reason } })
    throw new Problem(reason)
  }

  /** Takes the count of a login back that was refused for another reason than its password. */
  async #takeBack(admission: Admission, error: unknown): Promise<void> {
    const code = error instanceof Problem ? error.code : undefined
    // Where a device must be confirmed, no later delay may show whether the password was right.
    if (code === 'invalid_credentials' || code === 'device_confirmation_required') return
    const wasRight = code === 'account_disabled' || code === 'email_unverified'
    await this.#options.guesses.takeBack(admission, { wasRight })
  }

  /** What keeps the owner of an account out of it. */
  #refusalOf({ disabledAt, emailVerifiedAt }: table.Account): ProblemCode | undefined {
    if (disabledAt !== null) return 'account_disabled'
    return emailVerifiedAt === null && this.#options.unverifiedSignIn === 'refuse' ? 'email_unverified' : undefined
  }

  /**
   * A session for somebody whose password was right, hashed anew if that is due. `undefined` if the hash that was checked is not the account's any
   * more: another login may just have done the same, or the password was changed.
   */
  async #openFor(
    { account, rehash }: CheckedLogin,
    { password, admission, origin, turn }: SignIn,
  ): Promise<SignedIn | undefined> {
    const { store, passwords, sessions, guesses } = this.#options
    const passwordHash = rehash ? await passwords.hash(turn, password) : undefined
    const session = await store.transaction(async (client) => {
      const recorded = await table.recordSignIn(client, account, this.#now())
      if (!recorded) return undefined
      if (passwordHash !== undefined) await table.updateAccount(client, account, { passwordHash })
      await guesses.welcome(client, admission)
      if (!admission.deviceKnown) {
        const { address, userAgent } = origin
        await this.#options.outbox.notify(client, account, { kind: 'new_device', at: this.#now(), address, userAgent })
      }
      const opened = await sessions.open(client, account.id, origin)
      await this.#audit(client, 'login', { accountId: account.id, sessionId: opened.id }, origin)
      return opened
    })
    if (session === undefined) return undefined
    const tokens = await sessions.tokensFor(session)
    return { account: table.withoutHash(account), tokens, deviceToken: admission.device }
  }

  /** Who holds a token is not thereby who knows the password: guesses are counted here too, session by session. */
  async #authenticate(
    { accountId, sessionId }: Acting,
    password: string,
    { event, origin }: { event: AuditEvent; origin: RequestOrigin },
  ): Promise<table.StoredAccount> {
    const { store, passwords, guesses, audit } = this.#options
    const stored = await table.findStoredAccount(store, accountId)
    if (stored === undefined) throw new LatchkeyError('token_revoked')
    const turn = { use: 'account', origin, account: accountId } as const
    passwords.checkRoom(turn)
    const acting = { actor: accountId, account: accountId, session: sessionId }
    const bucket = await this.#recordDelay(guesses.admitSession(sessionId), { ...acting, origin })
    if (await guesses.settle(bucket, () => passwords.verify(turn, password, stored.passwordHash))) return stored
    const refusal = new Problem('password_wrong')
    const { address } = origin
    await audit.tally({ event, outcome: 'refused', ...acting, address, detail: { reason: refusal.code } })
    throw refusal
  }

  /** Records an attempt at a password that has to wait. */
  async #recordDelay<T>(
    admission: Promise<T>,
    { origin, actor = null, ...named }: Pick<AuditEntry, 'account' | 'session'> & GuessOrigin,
  ): Promise<T> {
    try {
      return await admission
    } catch (error) {
      if (error instanceof Problem && error.code === 'guess_delayed') {
        const { address } = origin
        await this.#options.audit.tally({ event: 'guess_delayed', outcome: 'refused', actor, ...named, address })
      }
      throw error
    }
  }

  #audit(
    client: SqlClient,
    event: AuditEvent,
    { accountId, sessionId }: Omit<Acting, 'keyId'>,
    { address }: RequestOrigin,
    detail?: AuditDetail,
  ): Promise<void> {
    const entry = { event, outcome: 'done', actor: accountId, account: accountId, session: sessionId, address } as const
    return this.#options.audit.append(client, { ...entry, detail })
  }

  #now(): number {
    return this.#options.clock.now()
  }
}

function byOperator(event: AuditEvent, account: string) {
  return { event, outcome: 'done', actor: 'cli', account, address: null } as const
}
