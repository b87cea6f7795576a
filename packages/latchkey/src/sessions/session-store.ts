import type { RefreshState } from './refresh-policy.js'

/** A session as a store keeps it. Times are in milliseconds since 1970. */
export interface SessionRecord extends RefreshState {
  /** A UUID. */
  readonly id: string
  /** The tenant whose secret signs the tokens of the session. */
  readonly subject: string
  /** Random; part of the input from which its refresh tokens are derived. */
  readonly salt: string
  /** The address of the last request, for display. */
  readonly address: string | null
  readonly createdAt: number
  readonly usedAt: number
  /** The end of the session if it is not refreshed before. */
  readonly endsAt: number
  /** The latest end of the session. */
  readonly expiresAt: number
  /** `null` while it has not been ended. */
  readonly endedAt: number | null
  /** The number of times that a replaced refresh token was accepted. */
  readonly graceUses: number
  readonly graceUsedAt: number | null
}

/** A session as a store returns it. */
export interface StoredSession extends SessionRecord {
  /**
   * Whether a change of the tenant has ended every session that the tenant had then: none of the
   * secrets from before the change was left.
   */
  readonly isRevoked: boolean
}

/**
 * Stores sessions beside their tenants. Implementations pass `sessionContract` of
 * `latchkey/store-contract`.
 *
 * A session belongs to the secrets that its tenant had when it was added. A change of the tenant
 * (`TenantStore.change`) that leaves none of the tenant's secrets, as `revoke` and `disable` do,
 * revokes all sessions of the tenant in the same commit. One that leaves a secret, as `rotate` and
 * `requireReissue` do, revokes none. The deletion of a tenant deletes its sessions.
 *
 * The methods fail as those of `TenantStore` do. `Client` is the handle of an open transaction. A
 * transaction locks a tenant before it changes sessions of that tenant, and `advanceSession`
 * changes one row alone, so that transactions cannot deadlock.
 */
export interface SessionStore<Client = unknown> {
  /**
   * Adds a session to its tenant, which the transaction has locked.
   *
   * @returns `false`, without a change, if the tenant does not exist or has no secret
   */
  addSession(session: SessionRecord, client: Client): Promise<boolean>
  /** Returns the session with this ID, also one that has ended. */
  readSession(id: string): Promise<StoredSession | undefined>
  /**
   * Writes the state of the session after a refresh, if nothing has changed since `before` was
   * read: the session has neither ended nor been revoked, and has the same `counter` and
   * `isRepeated`. Of several callers with the same `before` that change one of these two, one
   * succeeds. `graceUses` grows by the difference between `before` and `after`, so that no use is
   * lost.
   */
  advanceSession(before: SessionRecord, after: SessionRecord): Promise<boolean>
  /**
   * Returns the sessions of a tenant that have neither ended nor been revoked, and whose `endsAt`
   * is after this time.
   */
  listSessions(subject: string, nowMs: number, client?: Client): Promise<readonly StoredSession[]>
  /**
   * Sets `endedAt` and `endsAt` of a session to this time.
   *
   * @returns `false`, without a change, if the tenant has no such session or it has ended before
   */
  endSession(subject: string, id: string, nowMs: number, client: Client): Promise<boolean>
  /**
   * Deletes up to `limit` sessions whose `endsAt` is before this time, by the clock that is behind:
   * the caller's or the database's.
   *
   * @returns how many it deleted
   */
  pruneSessions(before: number, limit: number): Promise<number>
}
