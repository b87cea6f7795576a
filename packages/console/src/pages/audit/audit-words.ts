import type { operations } from '../../api/schema.js'

/** The filter of the audit log, as the API takes it. */
export type AuditQuery = NonNullable<operations['readAudit']['parameters']['query']>

/** An entry of the audit log. */
export type AuditEntry = operations['readAudit']['responses'][200]['content']['application/json']['entries'][number]

/** The events in words. */
export const eventWords: Readonly<Record<NonNullable<AuditQuery['event']>, string>> = {
  register: 'Registration',
  login: 'Sign-in',
  logout: 'Sign-out',
  logout_all: 'Sign-out everywhere',
  session_end: 'Session ended',
  refresh_reuse: 'Refresh token used twice',
  password_change: 'Password changed',
  profile_change: 'Profile changed',
  device_add: 'Device confirmed',
  account_delete: 'Account deleted',
  account_disable: 'Account disabled',
  account_enable: 'Account enabled',
  role_change: 'Rights changed',
  secret_rotate: 'Secret rotated',
  secret_revoke: 'Secret revoked',
  secret_leak: 'Secret has leaked',
  client_create: 'Client created',
  client_change: 'Client changed',
  client_disable: 'Client disabled',
  client_enable: 'Client enabled',
  client_delete: 'Client deleted',
  client_secret_rotate: 'Client secret rotated',
  client_token: 'Client token issued',
  token_revoke: 'Token revoked',
  restore: 'Backup restored',
  secret_revoke_all: 'All secrets revoked',
  rotation_start: 'Rotation of all started',
  rotation_pause: 'Rotation paused',
  rotation_resume: 'Rotation resumed',
  rotation_stop: 'Rotation stopped',
  account_import: 'Account imported',
  email_verify: 'Address verified',
  email_change_request: 'Change of address requested',
  email_change: 'Address changed',
  password_forgot: 'Password reset requested',
  password_reset: 'Password reset',
  mail_failed: 'Letter given up',
  refresh_grace: 'Replaced refresh token accepted',
  refresh: 'Refresh refused',
  guess_delayed: 'Guess delayed',
  admin_access: 'Administration refused',
  token_exchange: 'Token exchanged',
  token_introspect: 'Token introspected',
  client_authenticate: 'Client authentication',
  key_replace: 'Keys replaced',
  device_confirm: 'Device confirmed by mail',
  invitation_create: 'Invitation created',
  invitation_revoke: 'Invitation revoked',
  reset_link_create: 'Reset link created',
  service_key_rotate: 'Service key rotated',
  second_factor: 'Second factor',
  recovery_code_use: 'Recovery code used',
  factor_add: 'Factor added',
  factor_rename: 'Factor renamed',
  factor_remove: 'Factor removed',
  factor_reset_request: 'Removal of factors requested',
  factor_reset_cancel: 'Removal of factors canceled',
  factor_reset: 'Factors removed',
  recovery_codes_create: 'Recovery codes created',
  trusted_device_add: 'Device trusted',
  trusted_device_remove: 'Device not trusted any more',
  passkey_cloned: 'Passkey may be a copy',
  step_up: 'Authenticated again',
  audit_export: 'Audit log exported',
  audit_verify: 'Audit log verified',
  letter_retry: 'Letter tried again',
  letter_drop: 'Letter dropped',
  login_mail: 'Letter for a sign-in asked for',
  password_require: 'New password required',
  secret_rewrap: 'Secrets encrypted with the newest master key',
  task_stop: 'Task stopped',
  impersonation_create: 'Link to act as a user created',
  impersonation_begin: 'Session as a user begun',
  impersonation_end: 'Session as a user ended',
}

/** Returns an event in words; a newer server may have one without words. */
export function eventText(event: string): string {
  return (eventWords as Readonly<Record<string, string>>)[event] ?? event
}

/** The faults of the log in words. */
export const faultWords: Readonly<Record<string, string>> = {
  entry_changed: 'The entry was changed, or another program wrote it.',
  entries_missing: 'Entries before this one are missing.',
  order_changed: 'The entry is not in its place.',
  tail_missing: 'Entries at the end are missing.',
  head_missing: 'The record of the newest entry is missing.',
  head_changed: 'The record of the newest entry was changed.',
  anchor_changed: 'The record of the oldest entry was changed.',
  segment_changed: 'The record of a replaced key was changed.',
}
