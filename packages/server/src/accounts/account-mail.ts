import type { SqlClient } from 'latchkey/sql'
import type { AuditEvent } from '../audit/audit-record.js'
import type { AuditTrail } from '../audit/audit-trail.js'
import type { Registration } from '../config/settings.js'
import { type LetterDraft, type LinkLetter, type MailRequest, noticeTo, type OneTimeLink } from '../mail/letter.js'
import { type Account, findAccountByEmail, lockAccount } from './account-table.js'
import type { Invitations } from './invitations.js'
import type { OneTimeTokens } from './one-time-tokens.js'
import { isOpenToAll } from './registration-rule.js'

/** What `RequestAnswers` works with. */
export interface RequestAnswersOptions {
  readonly tokens: OneTimeTokens
  readonly invitations: Invitations
  /** What was asked for before registration was closed is not answered any more. */
  readonly registration: Registration
  readonly audit: AuditTrail
  readonly resetLinkTtlSec: number
  readonly verifyLinkTtlSec: number
}

/** The link that confirms a device lets it guess on, so it ends after ten minutes (OWASP ASVS 5.0, 6.5.5). */
const deviceLinkTtlSec = 600

/** Decides what is written to an address that somebody has named. Runs behind the requests, so that their answers cannot tell. */
export class RequestAnswers {
  readonly #options: RequestAnswersOptions

  constructor(options: RequestAnswersOptions) {
    this.#options = options
  }

  /** The letter, whose token is made in the caller's transaction once it is certain to be sent; `undefined` for none. */
  async draft(client: SqlClient, request: MailRequest): Promise<LetterDraft | undefined> {
    const account = await lockOwner(client, request.to)
    if (request.kind === 'ask_registration') return this.#registration(client, request, account)
    if (request.kind === 'ask_invitation') return this.#invitation(client, request, account)
    if (account === undefined || account.disabledAt !== null) return undefined
    if (request.kind === 'ask_reset') return this.#reset(client, request, account)
    if (request.kind === 'ask_device') return this.#confirmation(client, request, account)
    return account.emailVerifiedAt === null ? this.#verification(client, request, account) : undefined
  }

  #registration(
    client: SqlClient,
    request: MailRequest & { kind: 'ask_registration' },
    account: Account | undefined,
  ): LetterDraft | undefined {
    const { to, name, passwordHash, origin } = request
    const { tokens, verifyLinkTtlSec, registration } = this.#options
    if (!isOpenToAll(registration)) return undefined
    if (account === undefined) {
      const data = { email: to, name, passwordHash }
      return linkDraft('finish_registration', { to, account: null }, () =>
        tokens.issue(client, { purpose: 'register', accountId: null, data }, verifyLinkTtlSec),
      )
    }
    const notice = noticeTo(account, { kind: 'email_has_account' })
    // The address may be another person's, whose account this then becomes by setting its password.
    if (notice === undefined) return account.disabledAt === null ? this.#reset(client, request, account) : undefined
    const write = async () => {
      await this.#audit(client, 'register', { account: account.id, origin, outcome: 'refused' })
      return notice
    }
    return { kind: notice.kind, to, account: account.id, write }
  }

  /** The link of an invitation that nobody has revoked or replaced since, as long as the address has no account. */
  async #invitation(
    client: SqlClient,
    { to, invitation: id }: MailRequest & { kind: 'ask_invitation' },
    account: Account | undefined,
  ): Promise<LetterDraft | undefined> {
    const { invitations, registration } = this.#options
    if (account !== undefined || registration === 'closed') return undefined
    const invitation = await invitations.findUnmailed(client, id)
    if (invitation === undefined) return undefined
    return linkDraft('accept_invitation', { to, account: null }, () => invitations.makeLink(client, invitation, 'mail'))
  }

  #reset(client: SqlClient, { to, origin }: MailRequest, { id }: Account): LetterDraft {
    const { tokens, resetLinkTtlSec } = this.#options
    return linkDraft('reset_password', { to, account: id }, async () => {
      await this.#audit(client, 'password_forgot', { account: id, origin, outcome: 'done' })
      const data = { email: to }
      return tokens.issue(client, { purpose: 'reset_password', accountId: id, data }, resetLinkTtlSec)
    })
  }

  #confirmation(
    client: SqlClient,
    { to, device, granted }: MailRequest & { kind: 'ask_device' },
    { id, emailVerifiedAt }: Account,
  ): LetterDraft | undefined {
    if (!granted || emailVerifiedAt === null) return undefined
    const data = { email: to, device }
    return linkDraft('confirm_device', { to, account: id }, () =>
      this.#options.tokens.issue(client, { purpose: 'confirm_device', accountId: id, data }, deviceLinkTtlSec),
    )
  }

  #verification(client: SqlClient, { to }: MailRequest, { id }: Account): LetterDraft {
    const { tokens, verifyLinkTtlSec } = this.#options
    return linkDraft('verify_email', { to, account: id }, () =>
      tokens.issue(client, { purpose: 'verify_email', accountId: id, data: { email: to } }, verifyLinkTtlSec),
    )
  }

  /** Nobody has shown who it is that asked. */
  #audit(
    client: SqlClient,
    event: AuditEvent,
    { account, origin, outcome }: { account: string; origin: string; outcome: 'done' | 'refused' },
  ): Promise<void> {
    return this.#options.audit.append(client, { event, outcome, actor: null, account, address: origin })
  }
}

/** The account with this address, locked: before the counts and links that are written under it. */
async function lockOwner(client: SqlClient, email: string): Promise<Account | undefined> {
  const found = await findAccountByEmail(client, email)
  const account = found && (await lockAccount(client, found.id))
  return account?.email === email ? account : undefined
}

function linkDraft(
  kind: LinkLetter['kind'],
  addressed: { readonly to: string; readonly account: string | null },
  issue: () => Promise<OneTimeLink>,
): LetterDraft {
  return { kind, ...addressed, write: async () => ({ kind, ...addressed, link: await issue() }) }
}
