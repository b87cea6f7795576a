import type { Email } from './email.js'

const addressed = { to: 'ada@example.com', account: null }
const hour = 3_600_000
const linkToken = 'EXAMPLE-LINK-WITHOUT-EFFECT'

/** Times of the example: `now`, in milliseconds since 1970. */
type Example = (now: number) => Email

const withLink =
  (kind: Extract<Email, { readonly link: unknown }>['kind']): Example =>
  (now) => ({ kind, ...addressed, link: { token: linkToken, expiresAt: now + hour } })

const client = {
  address: '203.0.113.7',
  userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
}

const toSignIn =
  (content: { readonly code: string | null; readonly linkToken: string | null }): Example =>
  (now) => ({ kind: 'sign_in', ...addressed, ...client, ...content, expiresAt: now + hour })

const code = '12345 67890'

/** One example of each letter, by the name of its texts in `locales/`. */
const examples = {
  verify_email: withLink('verify_email'),
  finish_registration: withLink('finish_registration'),
  accept_invitation: withLink('accept_invitation'),
  reset_password: withLink('reset_password'),
  confirm_email: withLink('confirm_email'),
  confirm_device: withLink('confirm_device'),
  sign_in_code: toSignIn({ code, linkToken: null }),
  sign_in_link: toSignIn({ code: null, linkToken }),
  sign_in_code_and_link: toSignIn({ code, linkToken }),
  email_has_account: () => ({ kind: 'email_has_account', ...addressed }),
  password_changed: () => ({ kind: 'password_changed', ...addressed }),
  reset_link_made: () => ({ kind: 'reset_link_made', ...addressed }),
  email_change_requested: () => ({ kind: 'email_change_requested', ...addressed }),
  email_changed: () => ({ kind: 'email_changed', ...addressed }),
  password_removed: () => ({ kind: 'password_removed', ...addressed }),
  impersonated: () => ({ kind: 'impersonated', ...addressed }),
  new_device: (at) => ({
    kind: 'new_device',
    ...addressed,
    ...client,
    at,
  }),
  sign_ins_paused: () => ({ kind: 'notices_paused', ...addressed, about: 'sign-ins' }),
  changes_paused: () => ({ kind: 'notices_paused', ...addressed, about: 'changes' }),
  passkey_added: () => ({ kind: 'factor_added', ...addressed, factor: 'passkey' }),
  totp_added: () => ({ kind: 'factor_added', ...addressed, factor: 'totp' }),
  recovery_codes_added: () => ({ kind: 'factor_added', ...addressed, factor: 'recovery_codes' }),
  passkey_removed: () => ({ kind: 'factor_removed', ...addressed, factor: 'passkey' }),
  totp_removed: () => ({ kind: 'factor_removed', ...addressed, factor: 'totp' }),
  recovery_codes_removed: () => ({ kind: 'factor_removed', ...addressed, factor: 'recovery_codes' }),
  recovery_code_used: () => ({ kind: 'recovery_code_used', ...addressed, left: 7 }),
  second_factor_failed: () => ({ kind: 'second_factor_failed', ...addressed }),
  factors_reset: () => ({ kind: 'factors_reset', ...addressed, due: null }),
  factors_reset_planned: (now) => ({ kind: 'factors_reset', ...addressed, due: now + hour }),
} as const satisfies Readonly<Record<string, Example>>

/** The name of a letter. Letters of one kind differ where their texts do. */
export type LetterName = keyof typeof examples

/** The names of all letters. */
export const letterNames = Object.keys(examples) as readonly LetterName[]

/** Returns an example of a letter. Its link has no effect. */
export function exampleLetter(name: LetterName, nowMs: number): Email {
  return examples[name](nowMs)
}
