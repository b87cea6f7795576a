import { findAccountByEmail } from '../accounts/account-table.js'
import { canonicalEmail } from '../accounts/email-address.js'
import { accountFailures } from '../accounts/failures.js'
import type { Delivery, Invitation, Invitations } from '../accounts/invitations.js'
import { checkInvitesAccepted } from '../accounts/registration-rule.js'
import type { Configuration } from '../config/configuration.js'
import type { Core } from '../core.js'
import { linkUrl } from '../mail/link-url.js'
import type { Outbox } from '../mail/outbox.js'
import type { Administrator, AdministratorRights } from './administrator.js'
import { type Page, pageOf } from './page.js'

/** The parts of other domains that invitations use. */
interface Dependencies {
  readonly rights: AdministratorRights
  readonly invitations: Invitations
  readonly outbox: Outbox
}

/** The input of an invitation. */
interface InvitationInput {
  readonly email: string
  readonly delivery: Delivery
  /** The language of the e-mail. */
  readonly locale?: string | undefined
}

/** A new invitation. */
export interface NewInvitation {
  readonly invitation: Invitation
  /** The link that the administrator passes on; `undefined` if it is mailed. */
  readonly url: string | undefined
}

/**
 * Administration of invitations. Methods that take an administrator throw as
 * `AdministratorRights.lock` does.
 */
export class InvitationAdministration {
  readonly #core: Core
  readonly #dependencies: Dependencies
  readonly #settings: Pick<Configuration, 'registration' | 'mail'>

  constructor(core: Core, dependencies: Dependencies, settings: Pick<Configuration, 'registration' | 'mail'>) {
    this.#core = core
    this.#dependencies = dependencies
    this.#settings = settings
  }

  /**
   * Invites the owner of an address to create an account; an earlier invitation to it ends.
   *
   * @throws Problem `registration_closed`, `mail_unavailable`, `email_invalid`, `email_taken`
   */
  async invite(by: Administrator, input: InvitationInput): Promise<NewInvitation> {
    const { store, audit } = this.#core
    const { rights, invitations, outbox } = this.#dependencies
    const { registration, mail } = this.#settings
    const { delivery, locale } = input
    checkInvitesAccepted(registration)
    if (delivery === 'mail') outbox.checkEnabled()
    const email = canonicalEmail(input.email)
    return store.transaction(async (client) => {
      await rights.lock(client, by)
      if ((await findAccountByEmail(client, email)) !== undefined) throw accountFailures.refusal('email_taken')
      const invitation = await invitations.add(client, { email, invitedBy: by.accountId })
      const { id } = invitation
      await audit.done(client, 'invitation_create', by, { account: null, detail: { invitation: id, delivery } })
      if (delivery === 'mail') {
        const origin = by.address ?? by.accountId
        await outbox.add(client, { kind: 'ask_invitation', to: email, account: null, locale, invitation: id, origin })
        return { invitation, url: undefined }
      }
      const link = await invitations.makeLink(client, invitation, delivery)
      return { invitation: { ...invitation, delivery }, url: linkUrl(mail.linkBase, 'accept_invitation', link) }
    })
  }

  /** Returns pending invitations, oldest first. */
  async list(query: { after: string; limit: number }): Promise<Page<Invitation>> {
    const found = await this.#dependencies.invitations.list({ ...query, limit: query.limit + 1 })
    return pageOf(found, query.limit)
  }

  /** Revokes an invitation. Throws `invitation_unknown`. */
  async revoke(by: Administrator, id: string): Promise<void> {
    const { store, audit } = this.#core
    const { rights, invitations } = this.#dependencies
    await store.transaction(async (client) => {
      await rights.lock(client, by)
      await invitations.revoke(client, id)
      await audit.done(client, 'invitation_revoke', by, { account: null, detail: { invitation: id } })
    })
  }
}
