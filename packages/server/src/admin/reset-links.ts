import { findAccount } from '../accounts/account-table.js'
import { accountFailures } from '../accounts/failures.js'
import type { OneTimeTokens } from '../accounts/one-time-tokens.js'
import type { Configuration } from '../config/configuration.js'
import type { Core } from '../core.js'
import { linkUrl } from '../mail/link-url.js'
import type { Outbox } from '../mail/outbox.js'
import { type Administrator, type AdministratorRights, isOperator } from './administrator.js'
import { adminFailures } from './failures.js'

/** The parts of other domains that reset links use. */
interface Dependencies {
  readonly rights: AdministratorRights
  readonly oneTimeTokens: OneTimeTokens
  readonly outbox: Outbox
}

/** A link that the administrator passes on to the person. */
export interface ResetLink {
  readonly url: string
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

/**
 * Creates links to set a new password, for administrators to pass on where mail does not reach the
 * person.
 */
export class ResetLinks {
  readonly #core: Core
  readonly #dependencies: Dependencies
  readonly #settings: Pick<Configuration, 'mail'>

  constructor(core: Core, dependencies: Dependencies, settings: Pick<Configuration, 'mail'>) {
    this.#core = core
    this.#dependencies = dependencies
    this.#settings = settings
  }

  /**
   * Creates a link for one use and revokes all earlier ones of the account, mailed ones included.
   * The owner is notified by mail if the address is verified.
   *
   * Only the operator creates a link for an administrator, so that a stolen session of one
   * administrator cannot take over the accounts of others.
   *
   * @throws Problem `account_unknown`, `account_disabled`, `administrator_protected`; and those of
   * `AdministratorRights.lock`
   */
  async create(by: Administrator, id: string): Promise<ResetLink> {
    const { store, audit } = this.#core
    const { rights, oneTimeTokens, outbox } = this.#dependencies
    const { resetLinkTtlSec, linkBase } = this.#settings.mail
    return store.transaction(async (client) => {
      await rights.lock(client, by, [id])
      const account = await findAccount(client, id)
      if (account === undefined) throw accountFailures.refusal('account_unknown')
      if (account.role === 'admin' && !isOperator(by)) throw adminFailures.refusal('administrator_protected')
      if (account.disabledAt !== null)
        throw accountFailures.refusal('account_disabled', { hint: 'Enable the account first.' })
      await oneTimeTokens.revoke(client, id, 'reset_password')
      const data = { email: account.email, madeBy: isOperator(by) ? null : by.accountId }
      const link = await oneTimeTokens.issue(client, { purpose: 'handed_reset', accountId: id, data }, resetLinkTtlSec)
      await outbox.notify(client, account, { kind: 'reset_link_made' })
      await audit.done(client, 'reset_link_create', by, { account: id })
      return { url: linkUrl(linkBase, 'reset_password', link), expiresAt: link.expiresAt }
    })
  }
}
