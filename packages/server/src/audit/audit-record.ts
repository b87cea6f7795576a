import type { AuditDetail } from './audit-detail.js'

/** The events of the audit log. A name is never changed, and a retired one never reused. */
export const auditEvents = [
  'register',
  'login',
  'logout',
  'logout_all',
  'session_end',
  'refresh_reuse',
  'password_change',
  'profile_change',
  'device_add',
  'account_delete',
  'account_disable',
  'account_enable',
  'role_change',
  'secret_rotate',
  'secret_revoke',
  'secret_leak',
  'client_create',
  'client_change',
  'client_disable',
  'client_enable',
  'client_delete',
  'client_secret_rotate',
  'client_token',
  'token_revoke',
  'restore',
  'secret_revoke_all',
  'rotation_start',
  'rotation_pause',
  'rotation_resume',
  'rotation_stop',
  'account_import',
  'email_verify',
  'email_change_request',
  'email_change',
  'password_forgot',
  'password_reset',
  'mail_failed',
  'refresh_grace',
  'refresh',
  'guess_delayed',
  'admin_access',
  'token_exchange',
  'token_introspect',
  'client_authenticate',
  'key_replace',
  'device_confirm',
  'invitation_create',
  'invitation_revoke',
  'reset_link_create',
  'service_key_rotate',
  'second_factor',
  'recovery_code_use',
  'factor_add',
  'factor_rename',
  'factor_remove',
  'factor_reset_request',
  'factor_reset_cancel',
  'factor_reset',
  'recovery_codes_create',
  'trusted_device_add',
  'trusted_device_remove',
  'passkey_cloned',
  'step_up',
  'login_mail',
  'password_require',
  'secret_rewrap',
  'task_stop',
  'audit_export',
  'audit_verify',
  'letter_retry',
  'letter_drop',
  'impersonation_create',
  'impersonation_begin',
  'impersonation_end',
] as const

/** The name of an event. */
export type AuditEvent = (typeof auditEvents)[number]

/** The outcomes of an event. */
export const auditOutcomes = ['done', 'refused'] as const

/** An event to record. */
export interface AuditEntry {
  readonly event: AuditEvent
  readonly outcome: (typeof auditOutcomes)[number]
  /**
   * The account or client that acted; `null` if unknown, `cli` for the operator at the command
   * line.
   */
  readonly actor: string | null
  /** The account or client that the event concerns. */
  readonly account: string | null
  readonly session?: string | undefined
  /** The address of the request; for a counted entry, the network of its requests. */
  readonly address: string | null
  readonly detail?: AuditDetail | undefined
}

/** A stored entry. */
export interface AuditRecord extends Omit<AuditEntry, 'session' | 'detail'> {
  readonly id: string
  /** Milliseconds since 1970. */
  readonly at: number
  readonly session: string | null
  /** JSON text of at most 8,192 characters. */
  readonly detail: string | null
}

/** A record with its MAC over all members, under a key that is not in the database in plaintext. */
export interface TaggedRecord extends AuditRecord {
  readonly tag: string
}

/** A place in the chain of the log. */
export interface ChainPoint {
  /** Counts up from 1 without a gap; 0 is the place before the first entry. */
  readonly seq: number
  /** A MAC that depends on every entry up to this one. */
  readonly link: string
}

/** A record with its place in the chain. */
export interface SealedRecord extends TaggedRecord, ChainPoint {}

/** The end of a part of the chain whose key was replaced. */
export interface StoredSegment extends ChainPoint {
  /** The key of this part, sealed under the one that follows it. */
  readonly sealedKey: string
  readonly tag: string
}

/** The columns of a `TaggedRecord`, for PostgreSQL and SQLite. */
export const taggedColumns =
  'id, at, event, outcome, actor, account_id as account, session_id as session, address, detail, tag'
