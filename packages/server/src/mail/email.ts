/** A one-time link, by its token; `expiresAt` in milliseconds since 1970. */
export interface OneTimeLink {
  readonly token: string
  readonly expiresAt: number
}

/** Whom a email goes to. */
interface Addressed {
  /** Canonical address. */
  readonly to: string
  /** The account that it is about; `null` where there is none. */
  readonly account: string | null
}

/**
 * A email whose link shows that its reader has the mailbox. These are the only emails that go to an address which no owner has
 * verified; `confirm_device` does not.
 */
export type LinkEmail = Addressed & {
  readonly kind:
    | 'verify_email'
    | 'finish_registration'
    | 'accept_invitation'
    | 'reset_password'
    | 'confirm_email'
    | 'confirm_device'
  readonly link: OneTimeLink
}

/** News about an account, for its owner. `Outbox.notify` is the only way to send one, and sends none to an unverified address. */
export type Notice =
  | {
      readonly kind:
        | 'email_has_account'
        | 'password_changed'
        | 'reset_link_made'
        | 'email_change_requested'
        | 'email_changed'
    }
  | {
      readonly kind: 'new_device'
      /** Milliseconds since 1970. */
      readonly at: number
      readonly address: string
      readonly userAgent: string | null
    }
  | {
      /** Stands for the notices of one hour that are not sent one by one. */
      readonly kind: 'notices_paused'
      readonly about: NoticeTopic
    }

/** What notices are counted by: a flood of one topic leaves the other its emails. */
export type NoticeTopic = 'sign-ins' | 'changes'

/** A email that is to be sent: what it is about, and what its text is made from. */
export type Email = LinkEmail | (Addressed & Notice)

/** The account that a notice is for. */
export interface MailOwner {
  readonly id: string
  /** Canonical. */
  readonly email: string
  /** Milliseconds since 1970; `null` while nobody has shown to read the mailbox. */
  readonly emailVerifiedAt: number | null
}

/** The notice as a email to the owner; `undefined` where the address is not verified, because it may be that of a third party. */
export function noticeTo({ id, email, emailVerifiedAt }: MailOwner, notice: Notice): Email | undefined {
  return emailVerifiedAt === null ? undefined : { ...notice, to: email, account: id }
}

/**
 * Something that is asked to be written to an address: an invitation by an administrator, the rest by anybody. Whether there is an account behind it is looked up when its turn comes, so that the
 * request which caused it does the same work either way.
 */
export type MailRequest = Addressed & {
  /** Where it was asked for. */
  readonly origin: string
} & (
    | { readonly kind: 'ask_reset' | 'ask_verification' }
    | {
        readonly kind: 'ask_device'
        /** The name of the bucket of the device that asked. */
        readonly device: string
        /** Whether its password was right; without that nothing is sent. */
        readonly granted: boolean
      }
    | {
        readonly kind: 'ask_registration'
        readonly name: string | null
        readonly passwordHash: string
      }
    | {
        readonly kind: 'ask_invitation'
        /** The ID of the invitation, whose link is made with the email. */
        readonly invitation: string
      }
  )

/** What a email is about. */
export type EmailKind = Email['kind']

/** A email that may be sent if its mailbox's quota allows it. */
export interface EmailDraft extends Addressed {
  readonly kind: EmailKind
  /** Makes the email. Called once it is certain to be sent: a new link ends the older one that lies in the mailbox. */
  write(): Promise<Email>
}

/** Whether it has to be made into a email first. */
export function isRequest(content: Email | MailRequest): content is MailRequest {
  return content.kind.startsWith('ask_')
}
