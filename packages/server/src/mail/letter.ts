/** A one-time link, by its token; `expiresAt` in milliseconds since 1970. */
export interface OneTimeLink {
  readonly token: string
  readonly expiresAt: number
}

/** Whom a letter goes to. */
interface Addressed {
  /** Canonical address. */
  readonly to: string
  /** The account that it is about; `null` where there is none. */
  readonly account: string | null
}

/** A letter that is to be sent: what it is about, and what its text is made from. */
export type Letter = Addressed &
  (
    | {
        readonly kind: 'verify_email' | 'finish_registration' | 'reset_password' | 'confirm_email'
        readonly link: OneTimeLink
      }
    | { readonly kind: 'email_has_account' | 'password_changed' }
    | { readonly kind: 'email_change_requested' | 'email_changed'; readonly newEmail: string }
    | {
        readonly kind: 'new_device'
        /** Milliseconds since 1970. */
        readonly at: number
        readonly address: string
        readonly userAgent: string | null
      }
  )

/**
 * Something that anybody may ask to be written to an address. Whether there is an account behind it is looked up when its turn comes, so that the
 * request which caused it does the same work either way.
 */
export type MailRequest = Addressed & {
  /** Where it was asked for. */
  readonly origin: string
} & (
    | { readonly kind: 'ask_reset' | 'ask_verification' }
    | {
        readonly kind: 'ask_registration'
        readonly name: string | null
        readonly passwordHash: string
      }
  )

/** What a letter is about. */
export type LetterKind = Letter['kind']

/** Whether it has to be made into a letter first. */
export function isRequest(content: Letter | MailRequest): content is MailRequest {
  return content.kind.startsWith('ask_')
}
