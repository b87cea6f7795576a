import type { SqlClient } from 'latchkey/sql'
import type { Configuration, MailConfiguration } from '../config/configuration.js'
import type { Registration } from '../config/settings.js'
import type { Core } from '../core.js'
import type { Challenges } from '../factors/challenges.js'
import { type EmailDraft, type LinkEmail, type MailRequest, noticeTo, type OneTimeLink } from '../mail/email.js'
import { attemptAt, type GuessGuard } from '../protection/guess-guard.js'
import { type Account, findAccountByEmail, lockAccount } from './account-table.js'
import type { Invitations } from './invitations.js'
import type { OneTimeTokens } from './one-time-tokens.js'
import { isOpenToAll } from './registration-rule.js'

/**
 * A confirmed device gets more password attempts, so its link expires after ten minutes (OWASP ASVS
 * 5.0, 6.5.5).
 */
const deviceLinkTtlSec = 600

interface AccountMailDependencies {
  readonly oneTimeTokens: OneTimeTokens
  readonly invitations: Invitations
  readonly challenges: Challenges
  readonly guesses: GuessGuard
}

/**
 * Drafts the e-mail for an address that a request names. The draft is made after the request was
 * answered, so that neither the answer nor its duration reveals whether the address has an account.
 */
export class AccountMail {
  readonly #core: Core
  readonly #oneTimeTokens: OneTimeTokens
  readonly #invitations: Invitations
  readonly #challenges: Challenges
  readonly #guesses: GuessGuard
  readonly #registration: Registration
  readonly #mail: MailConfiguration

  constructor(
    core: Core,
    { oneTimeTokens, invitations, challenges, guesses }: AccountMailDependencies,
    { registration, mail }: Pick<Configuration, 'registration' | 'mail'>,
  ) {
    this.#core = core
    this.#oneTimeTokens = oneTimeTokens
    this.#invitations = invitations
    this.#challenges = challenges
    this.#guesses = guesses
    this.#registration = registration
    this.#mail = mail
  }

  /** Drafts the e-mail in the caller's transaction; returns `undefined` if none is to be sent. */
  async draft(client: SqlClient, request: MailRequest): Promise<EmailDraft | undefined> {
    const account = await lockOwner(client, request.to)
    const drafted = await this.#draftFor(client, request, account)
    return drafted && inLanguage(drafted, account?.locale ?? request.locale)
  }

  async #draftFor(
    client: SqlClient,
    request: MailRequest,
    account: Account | undefined,
  ): Promise<EmailDraft | undefined> {
    if (request.kind === 'ask_registration') return this.#draftRegistration(client, request, account)
    if (request.kind === 'ask_invitation') return this.#draftInvitation(client, request, account)
    if (account === undefined || account.disabledAt !== null) return undefined
    if (request.kind === 'ask_reset') return this.#draftReset(client, request, account)
    if (request.kind === 'ask_sign_in') return this.#draftSignIn(client, request, account)
    if (request.kind === 'ask_device') return this.#draftConfirmation(client, request, account)
    return account.emailVerifiedAt === null ? this.#draftVerification(client, request, account) : undefined
  }

  #draftRegistration(
    client: SqlClient,
    request: MailRequest & { kind: 'ask_registration' },
    account: Account | undefined,
  ): EmailDraft | undefined {
    const { to, name, passwordHash, origin } = request
    // Requests from before registration was closed are dropped.
    if (!isOpenToAll(this.#registration)) return undefined
    if (account === undefined) {
      const data = { email: to, name, passwordHash }
      return linkDraft('finish_registration', { to, account: null }, () =>
        this.#oneTimeTokens.issue(client, { purpose: 'register', accountId: null, data }, this.#mail.verifyLinkTtlSec),
      )
    }
    const notice = noticeTo(account, { kind: 'email_has_account' })
    // The owner of the address may not own the account. A reset makes the account theirs.
    if (notice === undefined)
      return account.disabledAt === null ? this.#draftReset(client, request, account) : undefined
    const write = async () => {
      await this.#core.audit.refused(client, 'register', unknownActor(origin), { account: account.id })
      return notice
    }
    return { kind: notice.kind, to, account: account.id, write }
  }

  /** Drafts the link of an invitation that is still pending, unless the address has an account. */
  async #draftInvitation(
    client: SqlClient,
    { to, invitation: id }: MailRequest & { kind: 'ask_invitation' },
    account: Account | undefined,
  ): Promise<EmailDraft | undefined> {
    const invitations = this.#invitations
    if (account !== undefined || this.#registration === 'closed') return undefined
    const invitation = await invitations.findUnmailed(client, id)
    if (invitation === undefined) return undefined
    return linkDraft('accept_invitation', { to, account: null }, () => invitations.makeLink(client, invitation, 'mail'))
  }

  #draftReset(client: SqlClient, { to, origin }: MailRequest, { id }: Account): EmailDraft {
    return linkDraft('reset_password', { to, account: id }, async () => {
      await this.#core.audit.done(client, 'password_forgot', unknownActor(origin), { account: id })
      const data = { email: to }
      return this.#oneTimeTokens.issue(
        client,
        { purpose: 'reset_password', accountId: id, data },
        this.#mail.resetLinkTtlSec,
      )
    })
  }

  /** The challenge becomes one of the account only if the letter is sent. */
  async #draftSignIn(
    client: SqlClient,
    { to, origin: address, challenge, device, ...letter }: MailRequest & { kind: 'ask_sign_in' },
    { id }: Account,
  ): Promise<EmailDraft> {
    const { code, linkToken, expiresAt, userAgent } = letter
    const attempt = attemptAt(id, { address, userAgent }, device ?? undefined)
    const asker = await this.#guesses.askerOf(client, attempt)
    const write = async () => {
      await this.#challenges.assignMailSignIn(client, challenge, { accountId: id, asker: asker.name })
      await this.#core.audit.done(client, 'login_mail', unknownActor(address), { account: id })
      return { kind: 'sign_in', to, account: id, code, linkToken, expiresAt, address, userAgent } as const
    }
    const knownAsker = asker.isKnown ? asker.name : undefined
    return { kind: 'sign_in', to, account: id, knownAsker, write }
  }

  #draftConfirmation(
    client: SqlClient,
    { to, device, granted }: MailRequest & { kind: 'ask_device' },
    { id, emailVerifiedAt }: Account,
  ): EmailDraft | undefined {
    if (!granted || emailVerifiedAt === null) return undefined
    const data = { email: to, device }
    return linkDraft('confirm_device', { to, account: id }, () =>
      this.#oneTimeTokens.issue(client, { purpose: 'confirm_device', accountId: id, data }, deviceLinkTtlSec),
    )
  }

  #draftVerification(client: SqlClient, { to }: MailRequest, { id }: Account): EmailDraft {
    const data = { email: to }
    return linkDraft('verify_email', { to, account: id }, () =>
      this.#oneTimeTokens.issue(client, { purpose: 'verify_email', accountId: id, data }, this.#mail.verifyLinkTtlSec),
    )
  }
}

/** Returns the draft of the same e-mail in a language. */
function inLanguage(draft: EmailDraft, locale: string | null | undefined): EmailDraft {
  return { ...draft, locale, write: async () => ({ ...(await draft.write()), locale }) }
}

/** Returns the actor of a request without authentication. */
function unknownActor(address: string) {
  return { accountId: null, address }
}

/**
 * Locks and returns the account with this address, before the counts and links that depend on it.
 */
async function lockOwner(client: SqlClient, email: string): Promise<Account | undefined> {
  const found = await findAccountByEmail(client, email)
  const account = found && (await lockAccount(client, found.id))
  return account?.email === email ? account : undefined
}

function linkDraft(
  kind: LinkEmail['kind'],
  addressed: { readonly to: string; readonly account: string | null },
  issue: () => Promise<OneTimeLink>,
): EmailDraft {
  return { kind, ...addressed, write: async () => ({ kind, ...addressed, link: await issue() }) }
}
