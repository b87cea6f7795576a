import type { SqlClient } from 'latchkey/sqlite'
import type { AuditEvent } from '../audit/audit-record.js'
import type { AuditTrail } from '../audit/audit-trail.js'
import type { Letter, MailRequest } from '../mail/letter.js'
import type { MailQuota } from '../mail/mail-quota.js'
import { type Account, findAccountByEmail, lockAccount } from './account-table.js'
import type { OneTimeTokens } from './one-time-tokens.js'

/** What `RequestAnswers` works with. */
export interface RequestAnswersOptions {
  readonly tokens: OneTimeTokens
  readonly quota: MailQuota
  readonly audit: AuditTrail
  readonly resetLinkTtlSec: number
  readonly verifyLinkTtlSec: number
}

/** Decides what is written to an address that somebody has named. Runs behind the requests, so that their answers cannot tell. */
export class RequestAnswers {
  readonly #options: RequestAnswersOptions

  constructor(options: RequestAnswersOptions) {
    this.#options = options
  }

  /** The letter, whose token is made in the caller's transaction; `undefined` for nobody, and when the address was written to often enough. */
  async answer(client: SqlClient, request: MailRequest): Promise<Letter | undefined> {
    const account = await lockOwner(client, request.to)
    if (!wanted(request, account)) return undefined
    // Before the token: one that nobody is told must not take the place of one that lies in the mailbox.
    if (!(await this.#options.quota.take(client, request.kind, request.to))) return undefined
    if (request.kind === 'ask_registration') return this.#register(client, request, account)
    return account && this.#link(client, request, account)
  }

  async #register(
    client: SqlClient,
    { to, name, passwordHash, origin }: MailRequest & { kind: 'ask_registration' },
    account: Account | undefined,
  ): Promise<Letter> {
    if (account !== undefined) {
      await this.#audit(client, 'register', { account: account.id, origin, outcome: 'refused' })
      return { kind: 'email_has_account', to, account: account.id }
    }
    const data = { email: to, name, passwordHash }
    const { tokens, verifyLinkTtlSec } = this.#options
    const link = await tokens.issue(client, { purpose: 'register', accountId: null, data }, verifyLinkTtlSec)
    return { kind: 'finish_registration', to, account: null, link }
  }

  async #link(client: SqlClient, { kind, to, origin }: MailRequest, { id }: Account): Promise<Letter> {
    const { tokens, resetLinkTtlSec, verifyLinkTtlSec } = this.#options
    const bound = { accountId: id, data: { email: to } }
    if (kind === 'ask_verification') {
      const link = await tokens.issue(client, { purpose: 'verify_email', ...bound }, verifyLinkTtlSec)
      return { kind: 'verify_email', to, account: id, link }
    }
    await this.#audit(client, 'password_forgot', { account: id, origin, outcome: 'done' })
    const link = await tokens.issue(client, { purpose: 'reset_password', ...bound }, resetLinkTtlSec)
    return { kind: 'reset_password', to, account: id, link }
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

/** Locks the account with this address: before its link, and before the count of its mailbox. */
async function lockOwner(client: SqlClient, email: string): Promise<Account | undefined> {
  const found = await findAccountByEmail(client, email)
  const account = found && (await lockAccount(client, found.id))
  return account?.email === email ? account : undefined
}

function wanted({ kind }: MailRequest, account: Account | undefined): boolean {
  if (kind === 'ask_registration') return true
  if (account === undefined || account.disabledAt !== null) return false
  return kind === 'ask_reset' || account.emailVerifiedAt === null
}
