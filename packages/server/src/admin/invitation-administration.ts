import type { SqlStore } from 'latchkey/sql'
import { findAccountByEmail } from '../accounts/account-table.js'
import { canonicalEmail } from '../accounts/email-address.js'
import type { Delivery, Invitation, Invitations } from '../accounts/invitations.js'
import { checkInvitesAccepted } from '../accounts/registration-rule.js'
import type { AuditTrail } from '../audit/audit-trail.js'
import type { Registration } from '../config/settings.js'
import { linkUrl } from '../mail/link-url.js'
import type { Outbox } from '../mail/outbox.js'
import { Problem } from '../problem.js'
import type { Actors } from '../sessions/actors.js'
import { type Administrator, lockAdministrator } from './administrator.js'
import { type Page, pageOf } from './page.js'

/** Options of `InvitationAdministration`. */
export interface InvitationAdministrationOptions {
  readonly store: SqlStore
  readonly actors: Actors
  readonly invitations: Invitations
  readonly outbox: Outbox
  readonly audit: AuditTrail
  readonly registration: Registration
  /** The URL under which the linked pages are. */
  readonly linkBase: string
}

/** A new invitation. */
export interface NewInvitation {
  readonly invitation: Invitation
  /** For the administrator to hand out; `undefined` where the link is mailed and nowhere else. */
  readonly url: string | undefined
}

/** What administrators do with invitations. Each change fails as `lockAdministrator` does. */
export class InvitationAdministration {
  readonly #options: InvitationAdministrationOptions

  constructor(options: InvitationAdministrationOptions) {
    this.#options = options
  }

  /**
   * Invites the owner of an address to make an account; an earlier invitation to it ends. Fails with
   * `registration_closed`, `mail_unavailable`, `email_invalid`, `email_taken`.
   */
  async invite(by: Administrator, input: { email: string; delivery: Delivery }): Promise<NewInvitation> {
    const { store, invitations, outbox, linkBase, registration } = this.#options
    const { delivery } = input
    checkInvitesAccepted(registration)
    if (delivery === 'mail') outbox.checkServed()
    const email = canonicalEmail(input.email)
    return store.transaction(async (client) => {
      await lockAdministrator(this.#options, client, by)
      if ((await findAccountByEmail(client, email)) !== undefined) throw new Problem('email_taken')
      const invitation = await invitations.add(client, { email, invitedBy: by.accountId })
      const { id } = invitation
      await this.#options.audit.append(client, {
        ...entryOf(by),
        event: 'invitation_create',
        detail: { invitation: id, delivery },
      })
      if (delivery === 'mail') {
        const origin = by.address ?? by.accountId
        await outbox.add(client, { kind: 'ask_invitation', to: email, account: null, invitation: id, origin })
        return { invitation, url: undefined }
      }
      const link = await invitations.makeLink(client, invitation, delivery)
      return { invitation: { ...invitation, delivery }, url: linkUrl(linkBase, 'accept_invitation', link) }
    })
  }

  /** Returns pending invitations, oldest first. */
  async list(query: { after: string; limit: number }): Promise<Page<Invitation>> {
    const found = await this.#options.invitations.list({ ...query, limit: query.limit + 1 })
    return pageOf(found, query.limit)
  }

  /** Ends an invitation. Fails with `invitation_unknown`. */
  async revoke(by: Administrator, id: string): Promise<void> {
    await this.#options.store.transaction(async (client) => {
      await lockAdministrator(this.#options, client, by)
      await this.#options.invitations.revoke(client, id)
      await this.#options.audit.append(client, {
        ...entryOf(by),
        event: 'invitation_revoke',
        detail: { invitation: id },
      })
    })
  }
}

/** There is no account yet that it happens to. */
function entryOf({ accountId: actor, sessionId: session, address }: Administrator) {
  return { outcome: 'done', actor, account: null, session, address } as const
}
