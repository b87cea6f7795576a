import type { AuthenticationLevel } from '../claims/session-ids.js'
import type { Clock } from '../clock.js'
import type { Latchkey } from '../latchkey-api.js'
import type { TenantStore } from '../secrets/ports.js'
import type { ChangeOptions, EndingOptions, TenantSecrets } from '../tenant-secrets/tenant-secrets-api.js'
import type { SessionStore } from './session-store.js'

/** Options of `createSessions`. */
export interface SessionsOptions<Client = unknown> {
  /** Issues the access tokens, with the secrets of `keys`. */
  readonly latchkey: Latchkey
  /** The tenant secrets: the subject of a session is a tenant. */
  readonly keys: TenantSecrets<Client>
  /** The store of `keys`: `postgresStore`, `sqliteStore` or `memoryStore`. */
  readonly store: TenantStore<Client> & SessionStore<Client>
  /**
   * Returns the further claims of each access token, at a sign-in and at each refresh. See
   * `IssueRequest.claims`.
   *
   * @defaultValue none
   */
  readonly claims?: (subject: string) => object | Promise<object>
  /**
   * Seconds after which a session ends, however often it is refreshed: 60 to 315,360,000.
   *
   * @defaultValue `2_592_000`, 30 days
   */
  readonly sessionTtl?: number
  /**
   * Seconds after which a session ends that is not refreshed: 60 to `sessionTtl`.
   *
   * @defaultValue `1_209_600`, 14 days, or `sessionTtl` if that is less
   */
  readonly idleTtl?: number
  /**
   * The maximum number of sessions of one subject, from 1 to 1,000. Another sign-in ends the
   * session that was not used for the longest time.
   *
   * @defaultValue `100`
   */
  readonly maxSessions?: number
  /**
   * The source of the time.
   *
   * @defaultValue the clocks of the machine
   */
  readonly clock?: Clock
}

/**
 * The program and the place that a request comes from. A refresh token that was replaced is
 * accepted again only from the same program, so pass the same members at `start` and `refresh`.
 */
export interface SessionOrigin {
  /**
   * Random text of at least 128 bits that only this client has, such as the value of a cookie that
   * is set once, or the thumbprint of its DPoP key (RFC 9449 §6.1). The first one that a session
   * sees binds it: every later refresh must present the same one. Only its hash is stored.
   */
  readonly device?: string | undefined
  /** The `User-Agent` header, for display. Without `device` it also decides on replaced tokens. */
  readonly userAgent?: string | undefined
  /** The IP address of the client, for display. Without `device` it also decides as above. */
  readonly address?: string | undefined
}

/** Options of `Sessions.start`. */
export interface StartOptions<Client> extends SessionOrigin, ChangeOptions<Client> {
  /**
   * The level of the sign-in, for `requireRecent`. It needs the option `sessionIds` of
   * `createLatchkey`.
   *
   * @defaultValue `'aal1'`
   */
  readonly level?: AuthenticationLevel | undefined
}

/** Options of `Sessions.stepUp`. */
export type StepUpOptions<Client> = Pick<StartOptions<Client>, 'level' | 'client'>

/** Options of `Sessions.endAll`. */
export interface EndAllOptions<Client> extends EndingOptions<Client> {
  /** The ID of a session that continues. */
  readonly except?: string | undefined
}

/** One sign-in on one device. Times are in milliseconds since 1970. */
export interface Session {
  /** The `sid` claim of its access tokens. */
  readonly id: string
  readonly subject: string
  /** The origin of the last request, cut to 255 and 64 printable ASCII characters. */
  readonly userAgent: string | null
  readonly address: string | null
  readonly createdAt: number
  readonly lastUsedAt: number
  /** The time at which it ends unless it is refreshed before. */
  readonly endsAt: number
  /** The latest time at which it ends. */
  readonly expiresAt: number
  /** The number of times that a replaced refresh token was accepted, and the time of the last. */
  readonly graceUses: number
  readonly graceUsedAt: number | null
}

/** The tokens of a session. */
export interface SessionTokens {
  readonly session: Session
  /** A JWT for the `Authorization` header. */
  readonly accessToken: string
  /** Seconds for which the access token is valid. */
  readonly accessTokenExpiresIn: number
  /** An opaque text for `refresh` alone. It replaces every earlier one of the session. */
  readonly refreshToken: string
  /** Seconds until the refresh token expires if it is not used. */
  readonly refreshTokenExpiresIn: number
}

/**
 * Sessions with refresh tokens that are rotated at each use.
 *
 * A refresh token is an HMAC of 256 bits under a stored key, and the store contains no token. At
 * any time one token of a session is current, and the one that it replaced is accepted until the
 * current one is used: parallel tabs and lost responses end no session. Any other token of the
 * session has been used before, by its owner or by a thief, and ends the session with all its
 * tokens.
 *
 * `keys.revoke`, `disable` and `forget` end all sessions of the subject in the same commit;
 * `rotate`, `requireReissue` and `setGrants` end none. Every method fails with `tenant_invalid`,
 * `store_unavailable`, `store_busy`, `store_closed`, `master_key_missing` or `master_key_wrong`,
 * and with the codes named at the method.
 */
export interface Sessions<Client = unknown> {
  /**
   * Starts a session after a sign-in. If the subject then has too many sessions, the least recently
   * used ones end.
   *
   * With `client`, the session is stored in that transaction: return its tokens only after the
   * commit. The subject must then have a secret already (`keys.provision`), and the same
   * transaction must not revoke it: start the session after such a commit.
   *
   * @throws `tenant_disabled`; `tenant_unknown` with `client` for a subject without a secret;
   * `session_ended` if the subject was revoked during the call
   * @example
   * const signedIn = await sessions.start(user.id, { userAgent: 'app/1', address: '192.0.2.1' })
   */
  start(subject: string, options?: StartOptions<Client>): Promise<SessionTokens>
  /**
   * Renews a session after its owner has authenticated again: the session gets a new ID, which
   * states the time and the level (`requireRecent`), and new tokens. All its earlier tokens end.
   * The session keeps its device and its latest end. `createLatchkey` needs the option
   * `sessionIds`.
   *
   * With `client`, as `start`.
   *
   * @throws `session_ended` if the subject has no such session; `tenant_disabled`; TypeError
   * without the option `sessionIds`
   * @example
   * const renewed = await sessions.stepUp(session.subject, session.id, { level: 'aal2' })
   */
  stepUp(subject: string, sessionId: string, options?: StepUpOptions<Client>): Promise<SessionTokens>
  /**
   * Replaces a refresh token. The call commits alone, because a rollback of the caller must not
   * undo the end of a session whose token was stolen.
   *
   * Tokens are returned only if the session had not ended when the new refresh token was stored; a
   * later end of the session also ends the returned tokens.
   *
   * @throws `refresh_token_invalid`, `refresh_token_expired`, `session_ended`, `tenant_disabled`;
   * `refresh_token_reused` if the token was used before or by another client, which ends the
   * session
   * @example
   * const next = await sessions.refresh(refreshToken, { userAgent: 'app/1', address: '192.0.2.1' })
   */
  refresh(refreshToken: string, origin?: SessionOrigin): Promise<SessionTokens>
  /**
   * Returns the live session of a refresh token without using the token, for example to end it when
   * its access token has expired.
   *
   * @throws `refresh_token_invalid`, `refresh_token_expired`, `session_ended`
   * @example
   * const { subject, id } = await sessions.find(refreshToken)
   * await sessions.end(subject, id)
   */
  find(refreshToken: string): Promise<Session>
  /**
   * Returns the live sessions of a subject, the last used first.
   *
   * @example
   * const devices = await sessions.list(auth.subject)
   */
  list(subject: string): Promise<readonly Session[]>
  /**
   * Ends one session of the subject with its access tokens, in every process within `maxStaleness`.
   *
   * @returns whether the subject had such a session
   * @throws TypeError for `everywhere` together with `client`
   * @example
   * await sessions.end(session.subject, session.id)
   */
  end(subject: string, sessionId: string, options?: EndingOptions<Client>): Promise<boolean>
  /**
   * Ends all sessions of the subject with all its access tokens, as `keys.revoke` does. With
   * `except`, ends its other sessions with their tokens.
   *
   * @throws `tenant_unknown`; TypeError for `everywhere` together with `client`
   * @example
   * await sessions.endAll(auth.subject, { except: auth.sessionId })
   */
  endAll(subject: string, options?: EndAllOptions<Client>): Promise<void>
  /**
   * Deletes sessions that ended more than a day ago, in steps of 1,000. Call it about once an hour.
   *
   * @returns how many it deleted
   * @example
   * setInterval(() => sessions.prune().catch(console.error), 3_600_000).unref()
   */
  prune(): Promise<number>
}
