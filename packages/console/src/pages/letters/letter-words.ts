import type { operations } from '../../api/schema.js'

/** The name of a template. */
export type TemplateName = operations['previewLetter']['parameters']['path']['kind']

/** The letters in words, by the names of their templates. */
export const templateWords: Readonly<Record<TemplateName, string>> = {
  verify_email: 'Verify an address',
  finish_registration: 'Finish a registration',
  accept_invitation: 'Invitation',
  reset_password: 'Reset the password',
  confirm_email: 'Confirm a new address',
  confirm_device: 'Confirm a device',
  sign_in_code: 'Code to sign in',
  sign_in_link: 'Link to sign in',
  sign_in_code_and_link: 'Code and link to sign in',
  email_has_account: 'Registration of an address that has an account',
  password_changed: 'Password changed',
  reset_link_made: 'Reset link made by an administrator',
  email_change_requested: 'Change of address requested',
  email_changed: 'Address changed',
  password_removed: 'Password removed by the first sign-in by mail',
  impersonated: 'An administrator acts in a session',
  new_device: 'Sign-in on a new device',
  sign_ins_paused: 'Notices of sign-ins paused',
  changes_paused: 'Notices of changes paused',
  passkey_added: 'Passkey added',
  totp_added: 'Authenticator app added',
  recovery_codes_added: 'Recovery codes created',
  passkey_removed: 'Passkey removed',
  totp_removed: 'Authenticator app removed',
  recovery_codes_removed: 'Recovery codes removed',
  recovery_code_used: 'Recovery code used',
  second_factor_failed: 'Wrong answers to the second step',
  factors_reset: 'Factors removed by an administrator',
  factors_reset_planned: 'Removal of factors announced',
}

const furtherWords: Readonly<Record<string, string>> = {
  factor_added: 'Factor added',
  factor_removed: 'Factor removed',
  notices_paused: 'Notices paused',
  sign_in: 'Code or link to sign in',
  ask_sign_in: 'Request to sign in by mail',
  ask_reset: 'Request to reset a password',
  ask_verification: 'Request to verify an address',
  ask_device: 'Request to confirm a device',
  ask_registration: 'Request to register',
  ask_invitation: 'Request to invite',
  unreadable: 'Cannot be decrypted',
}

/** Returns the kind of a letter in words. */
export function kindText(kind: string): string {
  return (templateWords as Readonly<Record<string, string>>)[kind] ?? furtherWords[kind] ?? kind
}
