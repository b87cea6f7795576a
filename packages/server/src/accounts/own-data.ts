import type { AuditRecord } from '../audit/audit-record.js'
import { readAudit } from '../audit/read-audit.js'
import type { Core } from '../core.js'
import { type LetterRecord, listLetters } from '../mail/letter-log.js'
import type { Outbox, WaitingLetter } from '../mail/outbox.js'
import { listStoredSessions, type StoredSession } from '../sessions/session-table.js'
import * as table from './account-table.js'
import { accountFailures } from './failures.js'
import type { Invitation, Invitations } from './invitations.js'
import type { Application, OwnApplications } from './own-applications.js'
import type { FactorOverview, OwnFactors } from './own-factors.js'

interface Dependencies {
  readonly outbox: Outbox
  readonly invitations: Invitations
  readonly ownFactors: OwnFactors
  readonly ownApplications: OwnApplications
}

/** All that the server stores about the owner of an account, except secrets. */
export interface AccountData extends FactorOverview {
  readonly account: table.Account
  /** Also those that have ended, as long as they are stored. Newest first. */
  readonly sessions: readonly StoredSession[]
  readonly applications: readonly Application[]
  /** The pending ones that the account has sent. */
  readonly invitations: readonly Invitation[]
  /** The e-mails that wait. */
  readonly letters: readonly WaitingLetter[]
  /** The records of the newest e-mails that have left the outbox. */
  readonly lettersSent: readonly LetterRecord[]
  /** The entries of the audit log about the account, newest first. */
  readonly audit: readonly AuditRecord[]
  /** Whether `audit` has all of them. */
  readonly auditIsComplete: boolean
}

/** The maximum number of entries of the audit log. */
const maxAuditEntries = 10_000

const auditPageSize = 500

/** The maximum number of records of e-mails. The quota of a mailbox keeps them fewer. */
const maxLetters = 1000

/** The data of an account for its owner (GDPR, articles 15 and 20). */
export class OwnData {
  readonly #core: Core
  readonly #dependencies: Dependencies

  constructor(core: Core, dependencies: Dependencies) {
    this.#core = core
    this.#dependencies = dependencies
  }

  /** Returns the data. Its parts are read one after another, not at one moment. */
  async read(accountId: string): Promise<AccountData> {
    const { store } = this.#core
    const { outbox, invitations, ownFactors, ownApplications } = this.#dependencies
    const account = await table.findAccount(store, accountId)
    if (account === undefined) throw accountFailures.refusal('account_unknown')
    return {
      account,
      ...(await ownFactors.list(accountId)),
      sessions: await listStoredSessions(store, accountId),
      applications: await ownApplications.list(accountId),
      invitations: await invitations.listBy(accountId),
      letters: await outbox.listTo(account),
      lettersSent: await listLetters(store, { account: accountId, before: undefined, limit: maxLetters }),
      ...(await this.#readAudit(accountId)),
    }
  }

  async #readAudit(accountId: string): Promise<Pick<AccountData, 'audit' | 'auditIsComplete'>> {
    const audit: AuditRecord[] = []
    let before: string | undefined
    do {
      const query = { account: accountId, before, limit: auditPageSize }
      const { items, next } = await readAudit(this.#core, query)
      audit.push(...items)
      before = next
    } while (before !== undefined && audit.length < maxAuditEntries)
    return { audit, auditIsComplete: before === undefined }
  }
}
