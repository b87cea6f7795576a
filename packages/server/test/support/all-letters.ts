import type { Email, SignInEmail } from '../../src/mail/email.js'

const link = { token: 'T'.repeat(43), expiresAt: 1_700_000_000_000 }
const at = 1_700_000_000_000

/** Returns a letter to sign in with. The client that has asked for it can choose some texts. */
function signIn(letter: Pick<SignInEmail, 'to' | 'account' | 'code' | 'linkToken'>, chosen: string): Email {
  return { kind: 'sign_in', ...letter, expiresAt: at, address: chosen, userAgent: chosen }
}

/** Returns one letter of each text, with the texts that another person can choose. */
export function lettersWith(chosen: string): readonly (readonly [name: string, email: Email])[] {
  const addressed = { to: `${chosen}@example.com`, account: 'a1' }
  return [
    ['verify_email', { kind: 'verify_email', ...addressed, link }],
    ['finish_registration', { kind: 'finish_registration', ...addressed, link }],
    ['accept_invitation', { kind: 'accept_invitation', ...addressed, link }],
    ['reset_password', { kind: 'reset_password', ...addressed, link }],
    ['confirm_email', { kind: 'confirm_email', ...addressed, link }],
    ['confirm_device', { kind: 'confirm_device', ...addressed, link }],
    ['sign_in_code', signIn({ ...addressed, code: '12345 67890', linkToken: null }, chosen)],
    ['sign_in_link', signIn({ ...addressed, code: null, linkToken: link.token }, chosen)],
    ['sign_in_code_and_link', signIn({ ...addressed, code: '12345 67890', linkToken: link.token }, chosen)],
    ['email_has_account', { kind: 'email_has_account', ...addressed }],
    ['password_changed', { kind: 'password_changed', ...addressed }],
    ['reset_link_made', { kind: 'reset_link_made', ...addressed }],
    ['email_change_requested', { kind: 'email_change_requested', ...addressed }],
    ['email_changed', { kind: 'email_changed', ...addressed }],
    ['password_removed', { kind: 'password_removed', ...addressed }],
    ['impersonated', { kind: 'impersonated', ...addressed }],
    ['new_device', { kind: 'new_device', ...addressed, at, address: chosen, userAgent: chosen }],
    ['sign_ins_paused', { kind: 'notices_paused', ...addressed, about: 'sign-ins' }],
    ['changes_paused', { kind: 'notices_paused', ...addressed, about: 'changes' }],
    ['passkey_added', { kind: 'factor_added', ...addressed, factor: 'passkey' }],
    ['totp_added', { kind: 'factor_added', ...addressed, factor: 'totp' }],
    ['recovery_codes_added', { kind: 'factor_added', ...addressed, factor: 'recovery_codes' }],
    ['passkey_removed', { kind: 'factor_removed', ...addressed, factor: 'passkey' }],
    ['totp_removed', { kind: 'factor_removed', ...addressed, factor: 'totp' }],
    ['recovery_codes_removed', { kind: 'factor_removed', ...addressed, factor: 'recovery_codes' }],
    ['recovery_code_used', { kind: 'recovery_code_used', ...addressed, left: 3 }],
    ['second_factor_failed', { kind: 'second_factor_failed', ...addressed }],
    ['factors_reset', { kind: 'factors_reset', ...addressed, due: null }],
    ['factors_reset_planned', { kind: 'factors_reset', ...addressed, due: at }],
  ]
}

/** The names of all letters in the keys of the messages. */
export const letterNames: readonly string[] = lettersWith('').map(([name]) => name)

/** Returns one letter of each text; see `lettersWith`. */
export function emailsWith(chosen: string): readonly Email[] {
  return lettersWith(chosen).map(([, email]) => email)
}
