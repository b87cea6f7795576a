import type { AuditDetail } from './audit-detail.js'

/** What can be found in the audit log. A name is never changed, a retired one never reused. */
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
] as const

/** The name of something that happened. */
export type AuditEvent = (typeof auditEvents)[number]

/** How it went. */
export const auditOutcomes = ['done', 'refused'] as const

/** One thing that happened. */
export interface AuditEntry {
  readonly event: AuditEvent
  readonly outcome: (typeof auditOutcomes)[number]
  /** The account or client that acted; `null` for nobody known, `cli` for the operator at the command line. */
  readonly actor: string | null
  /** The account, or the client, that it happened to. */
  readonly account: string | null
  readonly session?: string | undefined
  /** Where the request came from; the network of several requests that are one entry. */
  readonly address: string | null
  readonly detail?: AuditDetail | undefined
}

/** One thing that happened, as the log keeps it. */
export interface AuditRecord extends Omit<AuditEntry, 'session' | 'detail'> {
  readonly id: string
  /** Milliseconds since 1970. */
  readonly at: number
  readonly session: string | null
  /** JSON text of at most 8,192 characters. */
  readonly detail: string | null
}

/** A record that proves itself: `tag` is made from all of it, under a key that is not in the database. */
export interface TaggedRecord extends AuditRecord {
  readonly tag: string
}

/** A place in the chain of the log. */
export interface ChainPoint {
  /** Counts up from 1 without a gap; 0 is the beginning, before any entry. */
  readonly seq: number
  /** Follows from every entry up to here. */
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

/** The columns of a `TaggedRecord`, in both databases' SQL. */
export const taggedColumns =
  'id, at, event, outcome, actor, account_id as account, session_id as session, address, detail, tag'
