/** The token of a one-time link. `expiresAt`: milliseconds since 1970. */
export interface OneTimeLink {
  readonly token: string
  readonly expiresAt: number
}

/** The recipient of an e-mail. */
interface Addressed {
  /** Canonical address. */
  readonly to: string
  /** The account that the e-mail is about; `null` if there is none. */
  readonly account: string | null
  /** The language to write in; absent or `null`: that of the setting. */
  readonly locale?: string | null | undefined
}

/**
 * An e-mail whose link proves access to the mailbox. Except for `confirm_device`, these are the
 * only e-mails to addresses that no owner has verified.
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

/**
 * An e-mail with which the owner of an account signs in: a code for the browser that has asked for
 * it, a link that works in that browser, or both. It goes to unverified addresses as well, because
 * its use proves access to the mailbox.
 */
export type SignInEmail = Addressed & {
  readonly kind: 'sign_in'
  readonly code: string | null
  readonly linkToken: string | null
  /** Milliseconds since 1970. */
  readonly expiresAt: number
  /** The client address of the request. */
  readonly address: string
  readonly userAgent: string | null
}

/**
 * A notice about an account, for its owner. Only `Outbox.notify` sends notices, and none of them to
 * an unverified address.
 */
export type Notice =
  | {
      readonly kind:
        | 'email_has_account'
        | 'password_changed'
        | 'reset_link_made'
        | 'email_change_requested'
        | 'email_changed'
        | 'password_removed'
        /** The right password was followed by several wrong answers to the second step. */
        | 'second_factor_failed'
        | 'impersonated'
    }
  | {
      readonly kind: 'factor_added' | 'factor_removed'
      /** The kind of the factor. New recovery codes replace earlier ones. */
      readonly factor: 'passkey' | 'totp' | 'recovery_codes'
    }
  | {
      readonly kind: 'recovery_code_used'
      /** The number of recovery codes that are left. */
      readonly left: number
    }
  | {
      readonly kind: 'factors_reset'
      /** When the factors are removed, in milliseconds since 1970; `null` if they already are. */
      readonly due: number | null
    }
  | {
      readonly kind: 'new_device'
      /** Milliseconds since 1970. */
      readonly at: number
      readonly address: string
      readonly userAgent: string | null
    }
  | {
      /** Replaces further notices of one hour. */
      readonly kind: 'notices_paused'
      readonly about: NoticeTopic
    }

/** The counts of notices. The quota of one topic does not affect the other. */
export type NoticeTopic = 'sign-ins' | 'changes'

/** An e-mail to send: its kind and the data of its text. */
export type Email = LinkEmail | SignInEmail | (Addressed & Notice)

/** Returns when the link or the code of an e-mail expires; `undefined` if it has none. */
export function expiryOf(email: Email): number | undefined {
  if (email.kind === 'sign_in') return email.expiresAt
  return 'link' in email ? email.link.expiresAt : undefined
}

/** The account that a notice is for. */
export interface MailOwner {
  readonly id: string
  /** Canonical. */
  readonly email: string
  /** Milliseconds since 1970; `null` if the address is not verified. */
  readonly emailVerifiedAt: number | null
  /** The language of the account. */
  readonly locale?: string | null
}

/**
 * Returns the notice as an e-mail to the owner; `undefined` if the address is not verified, because
 * it may belong to a third party.
 */
export function noticeTo({ id, email, emailVerifiedAt, locale }: MailOwner, notice: Notice): Email | undefined {
  return emailVerifiedAt === null ? undefined : { ...notice, to: email, account: id, locale }
}

/**
 * A request for an e-mail to an address, by a client or an administrator. The account of the
 * address is looked up later, when the outbox worker handles the entry, so that the HTTP request
 * does the same work with and without an account.
 */
export type MailRequest = Addressed & {
  /** The client address of the request. */
  readonly origin: string
} & (
    | { readonly kind: 'ask_reset' | 'ask_verification' }
    | {
        readonly kind: 'ask_device'
        /** The name of the bucket of the device that tried to sign in. */
        readonly device: string
        /** Whether the password was right; if not, no e-mail is sent. */
        readonly granted: boolean
      }
    | {
        readonly kind: 'ask_sign_in'
        /** The hash of the challenge token. */
        readonly challenge: string
        readonly code: string | null
        readonly linkToken: string | null
        /** Milliseconds since 1970. */
        readonly expiresAt: number
        /** The device token of the request. */
        readonly device: string | null
        readonly userAgent: string | null
      }
    | {
        readonly kind: 'ask_registration'
        readonly name: string | null
        readonly passwordHash: string
      }
    | {
        readonly kind: 'ask_invitation'
        /** The ID of the invitation. Its link is created with the e-mail. */
        readonly invitation: string
      }
  )

/** The kind of an e-mail. */
export type EmailKind = Email['kind']

/** An e-mail that is sent if the quota of its mailbox allows it. */
export interface EmailDraft extends Addressed {
  readonly kind: EmailKind
  /**
   * The device or network that has caused the e-mail, if it is known to the account. Then it has a
   * count of its own.
   */
  readonly knownAsker?: string | undefined
  /**
   * Creates the e-mail. Called once it is certain to be sent, because a new link invalidates the
   * link of an earlier e-mail.
   */
  write(): Promise<Email>
}

/** Returns whether the content is a request that has no e-mail yet. */
export function isRequest(content: Email | MailRequest): content is MailRequest {
  return content.kind.startsWith('ask_')
}
