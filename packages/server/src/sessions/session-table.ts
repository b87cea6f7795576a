import { randomBytes } from 'node:crypto'
import type { RefreshState } from 'latchkey/sessions'
import type { SqlClient, SqlStore } from 'latchkey/sql'
import type { ConditionalChange, Statement } from '../change-together.js'
import type { RequestOrigin } from '../request-origin.js'
import { skipLocked } from '../row-locks.js'
import type { AuthMethod } from './auth-methods.js'

/** One sign-in on one device. Times are milliseconds since 1970. */
export interface Session {
  readonly id: string
  readonly accountId: string
  readonly salt: string
  /** The number of the current refresh token. */
  readonly counter: number
  readonly userAgent: string | null
  readonly address: string | null
  readonly createdAt: number
  readonly lastUsedAt: number
  readonly rotatedAt: number
  /** The number of superseded successors of the parent token: see `RefreshState`. */
  readonly forks: number
  /** The number of times that the parent token was used again since the last rotation. */
  readonly repeats: number
  /**
   * The number of consecutive rotations, before the last one, whose parent token was used again.
   */
  readonly repeatedRun: number
  /**
   * The binding to the client's device (`deviceBinding`); `null` before the client has sent a
   * device token.
   */
  readonly device: string | null
  /** The number of times that a replaced refresh token was accepted. */
  readonly graceUses: number
  readonly graceUsedAt: number | null
  readonly graceAddress: string | null
  /** The methods by which the owner has authenticated, separated by spaces: see `AuthMethod`. */
  readonly amr: string
  /** The time of that authentication; `null` in sessions of older versions. */
  readonly authenticatedAt: number | null
  /** The administrator who acts in the session; `null` if it is that of the owner. */
  readonly impersonatedBy: string | null
  /** The latest end of the session. */
  readonly expiresAt: number
  readonly endedAt: number | null
}

/** A session with the state of its account. */
export interface AccountSession extends Session {
  readonly disabledAt: number | null
}

/** The request that begins a session, and how its owner has authenticated. */
export interface SessionBegin {
  readonly origin: RequestOrigin
  readonly methods: readonly AuthMethod[]
}

/** The reason for which a session ended. */
export type EndReason =
  | 'logout'
  | 'ended_by_user'
  | 'ended_by_admin'
  | 'refresh_reuse'
  | 'password_change'
  | 'password_reset'
  | 'disabled'
  | 'secret_leak'
  | 'session_limit'
  | 'token_revoke'
  | 'factor_change'
  | 'mail_sign_in'
  | 'impersonation_end'

// With the full table name, because SQLite has no alias in "returning".
const columns = `server_sessions.id, server_sessions.account_id as "accountId", server_sessions.salt,
  server_sessions.counter, server_sessions.user_agent as "userAgent", server_sessions.address,
  server_sessions.created_at as "createdAt", server_sessions.last_used_at as "lastUsedAt",
  server_sessions.rotated_at as "rotatedAt", server_sessions.forks, server_sessions.repeats,
  server_sessions.repeated_run as "repeatedRun",
  server_sessions.device, server_sessions.grace_uses as "graceUses", server_sessions.grace_used_at as "graceUsedAt",
  server_sessions.grace_address as "graceAddress", server_sessions.amr,
  server_sessions.authenticated_at as "authenticatedAt", server_sessions.impersonated_by as "impersonatedBy",
  server_sessions.expires_at as "expiresAt",
  server_sessions.ended_at as "endedAt"`

/**
 * Ended and expired sessions are kept for a day, so that their refresh tokens are refused with the
 * reason.
 */
const keepEndedMs = 86_400_000

/** Sessions of one account in one answer. */
const maxStoredSessions = 1000

/** Returns a new session of the account, which is not stored yet. */
export function newSession(
  accountId: string,
  { id, begin, nowMs, ttlMs }: { id: string; begin: SessionBegin; nowMs: number; ttlMs: number },
): Session {
  const { origin, methods } = begin
  return {
    id,
    accountId,
    salt: newSalt(),
    counter: 1,
    userAgent: origin.userAgent,
    address: origin.address,
    createdAt: nowMs,
    lastUsedAt: nowMs,
    rotatedAt: nowMs,
    forks: 0,
    repeats: 0,
    repeatedRun: 0,
    device: null,
    graceUses: 0,
    graceUsedAt: null,
    graceAddress: null,
    amr: methods.join(' '),
    authenticatedAt: nowMs,
    impersonatedBy: null,
    expiresAt: nowMs + ttlMs,
    endedAt: null,
  }
}

/** Inserts a new session. */
export async function insertSession(client: SqlClient, session: Session): Promise<void> {
  const { text, values } = sessionInserted(session)
  await client.query(text('true'), values)
}

/** Returns the change that inserts a new session. */
export function sessionInserted(session: Session): ConditionalChange {
  return {
    text: (condition) =>
      `insert into server_sessions
         (id, account_id, salt, counter, user_agent, address, created_at, last_used_at, rotated_at, expires_at,
          amr, authenticated_at, impersonated_by)
       select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13 where ${condition}`,
    values: [
      session.id,
      session.accountId,
      session.salt,
      session.counter,
      session.userAgent,
      session.address,
      session.createdAt,
      session.lastUsedAt,
      session.rotatedAt,
      session.expiresAt,
      session.amr,
      session.authenticatedAt,
      session.impersonatedBy,
    ],
  }
}

/** Returns the session with the state of its account. */
export async function findSession(client: SqlClient, id: string): Promise<AccountSession | undefined> {
  const { rows } = await client.query<AccountSession>(
    `select ${columns}, a.disabled_at as "disabledAt"
     from server_sessions join server_accounts a on a.id = account_id where server_sessions.id = $1`,
    [id],
  )
  return rows[0]
}

/** Returns the live sessions of the account, newest first. */
export async function listSessions(
  client: SqlClient,
  accountId: string,
  { nowMs, idleMs }: { nowMs: number; idleMs: number },
): Promise<Session[]> {
  const { rows } = await client.query<Session>(
    `select ${columns} from server_sessions
     where account_id = $1 and ended_at is null and expires_at > $2 and last_used_at > $3 order by id desc`,
    [accountId, nowMs, nowMs - idleMs],
  )
  return rows
}

/** A session with the reason of its end. */
export interface StoredSession extends Session {
  /** `null` while it lives, and if it has expired. */
  readonly endReason: EndReason | null
}

/** Returns the newest stored sessions of the account, also those that have ended. */
export async function listStoredSessions(client: SqlClient, accountId: string): Promise<StoredSession[]> {
  const { rows } = await client.query<StoredSession>(
    `select ${columns}, end_reason as "endReason" from server_sessions
     where account_id = $1 order by id desc limit ${maxStoredSessions}`,
    [accountId],
  )
  return rows
}

/** Ended sessions with an ID smaller than `before`, if it is given. */
export interface EndedSessionsPage {
  readonly before: string | undefined
  readonly limit: number
}

/** Returns the sessions of the account that have ended or expired, newest first. */
export async function listEndedSessions(
  client: SqlClient,
  accountId: string,
  { nowMs, idleMs, before, limit }: { nowMs: number; idleMs: number } & EndedSessionsPage,
): Promise<StoredSession[]> {
  const values: unknown[] = [accountId, nowMs, nowMs - idleMs, limit]
  const earlier = before === undefined ? '' : `and id < $${values.push(before)}`
  const { rows } = await client.query<StoredSession>(
    `select ${columns}, server_sessions.end_reason as "endReason" from server_sessions
     where account_id = $1 and (ended_at is not null or expires_at <= $2 or last_used_at <= $3) ${earlier}
     order by id desc limit $4`,
    values,
  )
  return rows
}

/**
 * Returns the statement that counts the live sessions of the account except `exceptId`. Those of
 * administrators who act in it do not count.
 */
export function otherSessionsCounted(
  accountId: string,
  { nowMs, idleMs, exceptId }: { nowMs: number; idleMs: number; exceptId: string },
): Statement {
  return {
    text: `select count(*) as value from server_sessions
      where account_id = $1 and ended_at is null and expires_at > $2 and last_used_at > $3 and id <> $4
        and impersonated_by is null`,
    values: [accountId, nowMs, nowMs - idleMs, exceptId],
  }
}

/**
 * Returns the IDs of the account's live sessions except the `keep` that were used last. The session
 * `keepId` counts as one of those, and those of administrators who act in it do not count.
 */
export async function findExcessSessions(
  client: SqlClient,
  accountId: string,
  { nowMs, idleMs, keep, keepId }: { nowMs: number; idleMs: number; keep: number; keepId: string },
): Promise<string[]> {
  const { rows } = await client.query<{ id: string }>(
    `select id from server_sessions
     where account_id = $1 and ended_at is null and expires_at > $2 and last_used_at > $3 and id <> $4
       and impersonated_by is null
     order by last_used_at desc, id desc limit 1000 offset $5`,
    [accountId, nowMs, nowMs - idleMs, keepId, keep - 1],
  )
  return rows.map(({ id }) => id)
}

/** An accepted use of a refresh token. */
export interface RefreshUse {
  readonly origin: RequestOrigin
  readonly nowMs: number
  /** The state of the session afterwards, by the rules of `latchkey/sessions`. */
  readonly next: RefreshState
}

/**
 * Writes the state of a live session after the use of a refresh token, if no other use has changed
 * it since it was read. One statement, so that only one of several callers succeeds.
 */
export async function continueSession(
  client: SqlClient,
  session: Session,
  { origin, nowMs, next }: RefreshUse,
): Promise<boolean> {
  const isGrace = next.isRepeated ? 1 : 0
  const { rows } = await client.query(
    `update server_sessions set counter = $5, forks = $6, repeats = case when $7 = 1 then repeats + 1 else 0 end,
       repeated_run = $8, device = $9, rotated_at = $10, last_used_at = $11, user_agent = $12, address = $13,
       grace_uses = grace_uses + $7, grace_used_at = case when $7 = 1 then $11 else grace_used_at end,
       grace_address = case when $7 = 1 then $13 else grace_address end
     where id = $1 and counter = $2 and salt = $3 and case when repeats > 0 then 1 else 0 end = $4 and ended_at is null
     returning id`,
    [
      session.id,
      session.counter,
      session.salt,
      session.repeats > 0 ? 1 : 0,
      next.counter,
      next.forks,
      isGrace,
      next.repeatedRun,
      next.device,
      next.rotatedAt,
      nowMs,
      origin.userAgent,
      origin.address,
    ],
  )
  return rows.length === 1
}

/**
 * Starts a new family of refresh tokens for a live session: all earlier ones become invalid.
 * Returns `undefined` if the session has ended.
 */
export async function renewSession(client: SqlClient, id: string, nowMs: number): Promise<Session | undefined> {
  const { rows } = await client.query<Session>(
    `update server_sessions set salt = $2, counter = 1, forks = 0, repeats = 0, repeated_run = 0,
       rotated_at = $3, last_used_at = $3
     where id = $1 and ended_at is null returning ${columns}`,
    [id, newSalt(), nowMs],
  )
  return rows[0]
}

/** The values of a session that its owner has renewed by another authentication. */
export interface Renewal {
  /** The new ID. */
  readonly id: string
  readonly begin: SessionBegin
  readonly nowMs: number
}

/**
 * Replaces the ID of a live session of the account, starts a new family of refresh tokens, and
 * records how its owner has authenticated. Returns `undefined` if there is no such session.
 */
export async function replaceSession(
  client: SqlClient,
  { id, accountId }: { readonly id: string; readonly accountId: string },
  { id: newId, begin: { origin, methods }, nowMs }: Renewal,
): Promise<Session | undefined> {
  const { rows } = await client.query<Session>(
    `update server_sessions set id = $3, salt = $4, counter = 1, forks = 0, repeats = 0, repeated_run = 0,
       rotated_at = $5, last_used_at = $5, user_agent = $6, address = $7, amr = $8, authenticated_at = $5
     where id = $1 and account_id = $2 and ended_at is null returning ${columns}`,
    [id, accountId, newId, newSalt(), nowMs, origin.userAgent, origin.address, methods.join(' ')],
  )
  return rows[0]
}

/** Ends one session of the account; returns `false` if there is no such live session. */
export async function endSession(
  client: SqlClient,
  { id, accountId }: { readonly id: string; readonly accountId: string },
  { reason, nowMs }: { readonly reason: EndReason; readonly nowMs: number },
): Promise<boolean> {
  const { rows } = await client.query(
    `update server_sessions set ended_at = $3, end_reason = $4
     where id = $1 and account_id = $2 and ended_at is null returning id`,
    [id, accountId, nowMs, reason],
  )
  return rows.length === 1
}

/** Returns sessions of all accounts that have not ended, ordered by ID, after the ID `after`. */
export async function listLiveSessions(
  client: SqlClient,
  after: string,
  limit: number,
): Promise<Pick<Session, 'id' | 'accountId'>[]> {
  const { rows } = await client.query<Pick<Session, 'id' | 'accountId'>>(
    `select id, account_id as "accountId" from server_sessions where ended_at is null and id > $1 order by id limit $2`,
    [after, limit],
  )
  return rows
}

/** Ends all sessions of the account except `keepId`. */
export async function endSessions(
  client: SqlClient,
  accountId: string,
  { reason, nowMs, keepId = '' }: { reason: EndReason; nowMs: number; keepId?: string | undefined },
): Promise<void> {
  await client.query(
    `update server_sessions set ended_at = $2, end_reason = $3 where account_id = $1 and id <> $4 and ended_at is null`,
    [accountId, nowMs, reason, keepId],
  )
}

/** Deletes sessions that ended or expired more than a day ago. */
export async function pruneSessions(store: SqlStore, nowMs: number): Promise<void> {
  const before = nowMs - keepEndedMs
  await store.query(
    `delete from server_sessions where id in (
       select id from server_sessions where expires_at < $1 or ended_at < $1 ${skipLocked(store)})`,
    [before],
  )
}

function newSalt(): string {
  return randomBytes(16).toString('base64url')
}
