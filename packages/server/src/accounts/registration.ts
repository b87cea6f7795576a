import type { Clock, TenantSecrets } from 'latchkey'
import type { SqlClient, SqlStore } from 'latchkey/sql'
import type { AuditDetail } from '../audit/audit-detail.js'
import type { AuditTrail } from '../audit/audit-trail.js'
import type { Permission, Registration as RegistrationKind } from '../config/settings.js'
import type { Outbox } from '../mail/outbox.js'
import { Problem } from '../problem.js'
import { attemptAt, type GuessGuard } from '../protection/guess-guard.js'
import type { RequestOrigin } from '../request-origin.js'
import type { Session } from '../sessions/session-table.js'
import type { Sessions } from '../sessions/sessions.js'
import type { Account, StoredAccount } from './account-table.js'
import type { SignedIn } from './sign-in.js'
import type { Invitations } from './invitations.js'
import { type Applicant, draftAccount, insertDraft, newAccount } from './new-account.js'
import type { OneTimeTokens } from './one-time-tokens.js'
import type { PasswordPolicy } from './password-policy.js'
import type { PasswordQueue } from './password-queue.js'
import { checkInvitesAccepted, checkOpenToAll } from './registration-rule.js'

/** What `Registration` works with. */
export interface RegistrationOptions {
  readonly store: SqlStore
  readonly keys: TenantSecrets<SqlClient>
  readonly sessions: Sessions
  readonly passwords: PasswordQueue
  readonly policy: PasswordPolicy
  readonly guesses: GuessGuard
  readonly tokens: OneTimeTokens
  readonly invitations: Invitations
  readonly outbox: Outbox
  readonly audit: AuditTrail
  readonly clock: Clock
  readonly registration: RegistrationKind
  readonly unverifiedSignIn: Permission
  readonly verifyLinkTtlSec: number
}

/** Where somebody comes from who makes an account. */
interface Arrival {
  readonly origin: RequestOrigin
  /** The device token that came along. */
  readonly device: string | undefined
  /** For the audit log. */
  readonly detail?: AuditDetail
}

/** A new account, before its tokens are signed. */
interface Entered {
  readonly account: Account
  readonly session: Session
  readonly deviceToken: string
}

/** How people come to an account of their own. */
export class Registration {
  readonly #options: RegistrationOptions

  constructor(options: RegistrationOptions) {
    this.#options = options
  }

  /**
   * A new account with its secret and a first session, in one transaction; `undefined` when a mailed link comes first. Where one registers by mail,
   * that is the answer to every address, taken or not. Fails with `registration_closed` before it looks at anything, and with `email_invalid`, `password_…`, `email_taken`. `device`: the device token that came along.
   */
  async register(input: Applicant, origin: RequestOrigin, device?: string): Promise<SignedIn | undefined> {
    const { store, outbox, registration } = this.#options
    checkOpenToAll(registration)
    const draft = await draftAccount(this.#options, input, { role: 'user', turn: { use: 'registration', origin } })
    if (registration === 'by-mail') {
      const { email: to, name, passwordHash } = draft
      await outbox.add(store, {
        kind: 'ask_registration',
        to,
        account: null,
        name,
        passwordHash,
        origin: origin.address,
      })
      return undefined
    }
    const entered = await store.transaction((client) => this.#admit(client, draft, { origin, device }))
    return entered && this.#signedIn(entered)
  }

  /**
   * The account of an invited address, and its first session; `undefined` where its address has to be verified first. Whoever shows a link that was
   * mailed, and nothing but mailed, reads the mailbox: the address is verified. A link that an administrator has handed out shows nothing of that kind.
   * Fails with `registration_closed`, `link_invalid`, `password_…`, `email_taken`, `overloaded`. `device`: the device token that came along.
   */
  async acceptInvitation(
    input: { token: string; password: string; name?: string | undefined },
    origin: RequestOrigin,
    device?: string,
  ): Promise<SignedIn | undefined> {
    const { store, invitations, passwords, registration } = this.#options
    checkInvitesAccepted(registration)
    const turn = { use: 'link', origin } as const
    passwords.checkRoom(turn)
    const { email } = await invitations.find(input.token)
    const draft = await draftAccount(this.#options, { ...input, email }, { role: 'user', turn })
    const entered = await store.transaction(async (client) => {
      const { id, mailedAt } = await invitations.redeem(client, input.token)
      const emailVerifiedAt = mailedAt === null ? null : draft.createdAt
      return this.#admit(client, { ...draft, emailVerifiedAt }, { origin, device, detail: { invitation: id } })
    })
    return entered && this.#signedIn(entered)
  }

  /**
   * The account that a mailed link is for, and its first session, for who knows the password that was chosen: the link alone may have been asked for
   * by a stranger, whose password would then be that of the address's owner. Fails with `registration_closed`, `link_invalid`, `password_wrong`,
   * `guess_delayed`, `email_taken`.
   */
  async finish(input: { token: string; password: string }, origin: RequestOrigin, device?: string): Promise<SignedIn> {
    const { store, tokens, passwords, guesses, audit, clock, registration } = this.#options
    checkOpenToAll(registration)
    const { data } = await tokens.find(input.token, 'register')
    const turn = { use: 'link', origin } as const
    passwords.checkRoom(turn)
    const bucket = await guesses.admitLink(data.email)
    const matches = await guesses.settle(bucket, () => passwords.verify(turn, input.password, data.passwordHash))
    if (!matches) {
      const entry = { event: 'register', outcome: 'refused', actor: null, account: null } as const
      await audit.tally({ ...entry, address: origin.address, detail: { reason: 'password_wrong' } })
      throw new Problem('password_wrong')
    }
    const nowMs = clock.now()
    const draft = newAccount({ ...data, role: 'user', createdAt: nowMs, emailVerifiedAt: nowMs })
    const entered = await store.transaction(async (client) => {
      await tokens.redeem(client, input.token, 'register')
      return this.#enter(client, draft, { origin, device })
    })
    return this.#signedIn(entered)
  }

  /** The account, with a first session unless its address has to be verified before. */
  async #admit(client: SqlClient, draft: StoredAccount, arrival: Arrival): Promise<Entered | undefined> {
    const isVerified = draft.emailVerifiedAt !== null
    let entered: Entered | undefined
    if (isVerified || this.#options.unverifiedSignIn === 'allow') {
      entered = await this.#enter(client, draft, arrival)
    } else {
      await insertDraft(client, this.#options, draft)
      await this.#audit(client, draft.id, arrival)
    }
    if (!isVerified) await this.#welcome(client, draft)
    return entered
  }

  /** The account with its first session, on a device that is no stranger to it. */
  async #enter(client: SqlClient, draft: StoredAccount, arrival: Arrival): Promise<Entered> {
    const { sessions, guesses } = this.#options
    const { origin, device } = arrival
    const account = await insertDraft(client, this.#options, draft)
    const session = await sessions.open(client, account.id, origin)
    await this.#audit(client, account.id, arrival, session.id)
    const deviceToken = await guesses.introduce(client, attemptAt(account.id, origin, device))
    return { account, session, deviceToken }
  }

  async #signedIn({ account, session, deviceToken }: Entered): Promise<SignedIn> {
    return { account, tokens: await this.#options.sessions.tokensFor(session), deviceToken }
  }

  /** The letter with which the owner of the address says that it is theirs. */
  async #welcome(client: SqlClient, { id, email }: Account): Promise<void> {
    const { tokens, outbox, verifyLinkTtlSec } = this.#options
    if (!outbox.served) return
    const link = await tokens.issue(
      client,
      { purpose: 'verify_email', accountId: id, data: { email } },
      verifyLinkTtlSec,
    )
    await outbox.add(client, { kind: 'verify_email', to: email, account: id, link })
  }

  #audit(client: SqlClient, account: string, { origin, detail }: Arrival, session?: string): Promise<void> {
    return this.#options.audit.append(client, {
      event: 'register',
      outcome: 'done',
      actor: account,
      account,
      session,
      address: origin.address,
      detail,
    })
  }
}
