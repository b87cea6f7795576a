import type { SqlClient } from 'latchkey/sql'
import type { AuditDetail } from '../audit/audit-detail.js'
import type { Configuration } from '../config/configuration.js'
import type { Core } from '../core.js'
import type { Outbox } from '../mail/outbox.js'
import type { Messages } from '../messages/messages.js'
import { attemptAt, type GuessGuard } from '../protection/guess-guard.js'
import type { RequestOrigin } from '../request-origin.js'
import type { Session } from '../sessions/session-table.js'
import type { Sessions } from '../sessions/sessions.js'
import type { Account, StoredAccount } from './account-table.js'
import { accountFailures } from './failures.js'
import type { Invitations } from './invitations.js'
import { type Applicant, draftAccount, insertDraft, newAccount } from './new-account.js'
import type { OneTimeTokens } from './one-time-tokens.js'
import type { PasswordPolicy } from './password-policy.js'
import type { PasswordQueue } from './password-queue.js'
import { checkInvitesAccepted, checkOpenToAll } from './registration-rule.js'
import type { SignedIn } from './signed-in.js'

interface Dependencies {
  readonly sessions: Sessions
  readonly passwords: PasswordQueue
  readonly passwordPolicy: PasswordPolicy
  readonly guesses: GuessGuard
  readonly oneTimeTokens: OneTimeTokens
  readonly invitations: Invitations
  readonly outbox: Outbox
  readonly messages: Messages
}

type RegistrationSettings = Pick<Configuration, 'registration' | 'unverifiedSignIn' | 'mail'>

/** The request that creates an account. */
interface RegistrationRequest {
  readonly origin: RequestOrigin
  /** The device token of the request. */
  readonly device: string | undefined
  /** For the audit log. */
  readonly detail?: AuditDetail
}

/** A new account with its first session, before its tokens are signed. */
interface NewSession {
  readonly account: Account
  readonly session: Session
  readonly deviceToken: string
}

/** Registers accounts: openly, by mail, or by invitation. */
export class Registration {
  readonly #core: Core
  readonly #dependencies: Dependencies
  readonly #settings: RegistrationSettings

  constructor(core: Core, dependencies: Dependencies, settings: RegistrationSettings) {
    this.#core = core
    this.#dependencies = dependencies
    this.#settings = settings
  }

  /**
   * Creates an account with its secret and a first session, in one transaction. If a mailed link
   * comes first, returns `undefined`; where registration is by mail, that is the result for every
   * address, taken or not. `device`: the device token of the request.
   *
   * @throws Problem `registration_closed` before anything is read; `email_invalid`, `password_…`,
   * `email_taken`
   */
  async register(input: Applicant, origin: RequestOrigin, device?: string): Promise<SignedIn | undefined> {
    const { store } = this.#core
    const { registration } = this.#settings
    checkOpenToAll(registration)
    const locale = this.#localeOf(origin)
    const draft = await this.#draft({ ...input, locale }, { role: 'user', task: { use: 'registration', origin } })
    if (registration === 'by-mail') {
      const { email: to, name, passwordHash } = draft
      await this.#dependencies.outbox.add(store, {
        kind: 'ask_registration',
        to,
        account: null,
        name,
        passwordHash,
        origin: origin.address,
        locale,
      })
      return undefined
    }
    const inserted = await store.transaction((client) => this.#insert(client, draft, { origin, device }))
    return inserted && this.#signedIn(inserted)
  }

  /**
   * Creates the account of an invited address, and its first session. Returns `undefined` if the
   * address must be verified first. A mailed link proves access to the mailbox, so that the address
   * is verified. A link that an administrator passed on does not prove it. `device`: the device
   * token of the request.
   *
   * @throws Problem `registration_closed`, `link_invalid`, `password_…`, `email_taken`,
   * `overloaded`
   */
  async acceptInvitation(
    input: { token: string; password: string; name?: string | undefined },
    origin: RequestOrigin,
    device?: string,
  ): Promise<SignedIn | undefined> {
    const { store } = this.#core
    const { invitations, passwords } = this.#dependencies
    checkInvitesAccepted(this.#settings.registration)
    const task = { use: 'link', origin } as const
    passwords.checkRoom(task)
    const { email } = await invitations.find(input.token)
    const locale = this.#localeOf(origin)
    const draft = await this.#draft({ ...input, email, locale }, { role: 'user', task })
    const inserted = await store.transaction(async (client) => {
      const { id, mailedAt } = await invitations.redeem(client, input.token)
      const emailVerifiedAt = mailedAt === null ? null : draft.createdAt
      return this.#insert(client, { ...draft, emailVerifiedAt }, { origin, device, detail: { invitation: id } })
    })
    return inserted && this.#signedIn(inserted)
  }

  /**
   * Creates the account of a mailed link, and its first session. The caller must know the chosen
   * password. Otherwise, an attacker could request the link, and the owner of the address would
   * then use an account whose password the attacker has set.
   *
   * @throws Problem `registration_closed`, `link_invalid`, `password_wrong`, `guess_delayed`,
   * `email_taken`
   */
  async finish(input: { token: string; password: string }, origin: RequestOrigin, device?: string): Promise<SignedIn> {
    const { store, audit, clock } = this.#core
    const { oneTimeTokens, passwords, guesses } = this.#dependencies
    checkOpenToAll(this.#settings.registration)
    const { data } = await oneTimeTokens.find(input.token, 'register')
    const task = { use: 'link', origin } as const
    passwords.checkRoom(task)
    const bucket = await guesses.admitLink(data.email)
    const matches = await guesses.settle(bucket, () => passwords.verify(task, input.password, data.passwordHash))
    if (!matches) {
      const actor = { accountId: null, address: origin.address }
      await audit.countRefused('register', actor, { detail: { reason: 'password_wrong' } })
      throw accountFailures.refusal('password_wrong')
    }
    const nowMs = clock.now()
    const locale = this.#localeOf(origin)
    const draft = newAccount({ ...data, locale, role: 'user', createdAt: nowMs, emailVerifiedAt: nowMs })
    const inserted = await store.transaction(async (client) => {
      await oneTimeTokens.redeem(client, input.token, 'register')
      return this.#insertWithSession(client, draft, { origin, device })
    })
    return this.#signedIn(inserted)
  }

  /** Inserts the account, with a first session unless its address must be verified first. */
  async #insert(
    client: SqlClient,
    draft: StoredAccount,
    request: RegistrationRequest,
  ): Promise<NewSession | undefined> {
    const isVerified = draft.emailVerifiedAt !== null
    let inserted: NewSession | undefined
    if (isVerified || this.#settings.unverifiedSignIn === 'allow') {
      inserted = await this.#insertWithSession(client, draft, request)
    } else {
      await insertDraft(client, this.#core, draft)
      await this.#record(client, draft.id, request)
    }
    if (!isVerified) await this.#sendVerification(client, draft)
    return inserted
  }

  /** Inserts the account with its first session, and makes the device known to the account. */
  async #insertWithSession(client: SqlClient, draft: StoredAccount, request: RegistrationRequest): Promise<NewSession> {
    const { sessions, guesses } = this.#dependencies
    const { origin, device } = request
    const account = await insertDraft(client, this.#core, draft)
    const session = await sessions.open(client, account.id, { origin, methods: ['pwd'] })
    await this.#record(client, account.id, request, session.id)
    const deviceToken = await guesses.trustFirstDevice(client, attemptAt(account.id, origin, device))
    return { account, session, deviceToken }
  }

  async #signedIn({ account, session, deviceToken }: NewSession): Promise<SignedIn> {
    return { account, tokens: await this.#dependencies.sessions.tokensFor(session), deviceToken }
  }

  /** Adds the e-mail with which the owner verifies the address. */
  async #sendVerification(client: SqlClient, { id, email, locale }: Account): Promise<void> {
    const { oneTimeTokens, outbox } = this.#dependencies
    if (!outbox.enabled) return
    const purpose = { purpose: 'verify_email', accountId: id, data: { email } } as const
    const link = await oneTimeTokens.issue(client, purpose, this.#settings.mail.verifyLinkTtlSec)
    await outbox.add(client, { kind: 'verify_email', to: email, account: id, locale, link })
  }

  /** Returns the language that the request asks for, which the new account keeps. */
  #localeOf({ acceptLanguage }: RequestOrigin): string | null {
    return this.#dependencies.messages.requested(acceptLanguage)
  }

  #draft(input: Applicant, as: Parameters<typeof draftAccount>[2]): Promise<StoredAccount> {
    return draftAccount({ ...this.#core, ...this.#dependencies }, input, as)
  }

  #record(client: SqlClient, accountId: string, { origin, detail }: RegistrationRequest, sessionId?: string) {
    const actor = { accountId, sessionId, address: origin.address }
    return this.#core.audit.done(client, 'register', actor, { detail })
  }
}
