import { type Clock, type Latchkey, LatchkeyError, type SessionIds, type TenantSecrets } from 'latchkey'
import type { SqlClient, SqlStore } from 'latchkey/sqlite'
import type { AuditTrail } from '../audit/audit-trail.js'
import { Problem } from '../problem.js'
import type { RequestOrigin } from '../request-origin.js'
import { lockAccounts } from './account-lock.js'
import {
  parseRefreshToken,
  type RefreshTokenParts,
  type RefreshTokenSeed,
  type RefreshTokens,
} from './refresh-token.js'
import * as table from './session-table.js'

/** What a client is given to stay signed in. */
export interface TokenSet {
  readonly sessionId: string
  readonly accessToken: string
  /** Seconds for which the access token is valid. */
  readonly expiresInSec: number
  readonly refreshToken: string
  /** Seconds for which the refresh token can be used if it is not used before. */
  readonly refreshExpiresInSec: number
}

/** A session that can go on. */
export interface UsableSession extends table.OwnedSession {
  /** When it ends if nothing happens: milliseconds since 1970. */
  readonly endsAt: number
}

/** What `Sessions` works with. */
export interface SessionsOptions {
  readonly store: SqlStore
  readonly keys: TenantSecrets<SqlClient>
  readonly latchkey: Latchkey
  readonly refreshTokens: RefreshTokens
  /** The same that `latchkey` recognises. */
  readonly sessionIds: SessionIds
  readonly audit: AuditTrail
  readonly clock: Clock
  readonly accessTokenTtlSec: number
  readonly sessionTtlSec: number
  readonly sessionIdleTtlSec: number
  /** How many an account may have. */
  readonly maxSessions: number
}

/** The token just replaced is honoured for so long, so that parallel tabs and lost answers log nobody out. */
const replacedTokenGraceMs = 10_000

/** Times that a refresh may lose the race against another one of the same session, before the answer is 503. */
const maxAttempts = 5

/** Logins and their tokens. */
export class Sessions {
  readonly #options: SessionsOptions

  constructor(options: SessionsOptions) {
    this.#options = options
  }

  /** A new session, in the caller's transaction, which has locked the account. Where it is one too many, those that were not used for the longest time end, with their tokens. */
  async open(client: SqlClient, accountId: string, origin: RequestOrigin): Promise<table.Session> {
    const nowMs = this.#now()
    const { sessionIds, sessionTtlSec, sessionIdleTtlSec, maxSessions } = this.#options
    const id = sessionIds.mint(accountId, nowMs)
    const opened = await table.insertSession(client, accountId, { id, origin, nowMs, ttlMs: sessionTtlSec * 1000 })
    const most = { nowMs, idleMs: sessionIdleTtlSec * 1000, keep: maxSessions, spare: id }
    for (const excess of await table.findExcessSessions(client, accountId, most)) {
      await this.end(client, { id: excess, accountId }, 'session_limit')
      const entry = { event: 'session_end', outcome: 'done', actor: null, account: accountId, session: excess } as const
      await this.#options.audit.append(client, { ...entry, address: origin.address })
    }
    return opened
  }

  /**
   * The tokens of a living session. Fails with `session_ended` when it does not live, and `tenant_disabled`.
   *
   * The session is looked up again after the signature: whoever ends a session also ends what was signed before, so that no token is handed out that was
   * signed behind the back of such a change. What the account may do is in no token, but stored with its tenant.
   */
  async tokensFor(session: table.Session): Promise<TokenSet> {
    const remainingSec = Math.max(1, Math.ceil((session.expiresAt - this.#now()) / 1000))
    const { token, expiresIn } = await this.#options.latchkey.issue({
      subject: session.accountId,
      sessionId: session.id,
      expiresIn: Math.min(this.#options.accessTokenTtlSec, remainingSec),
    })
    await this.#checkLiving(session)
    return {
      sessionId: session.id,
      accessToken: token,
      expiresInSec: expiresIn,
      refreshToken: this.#options.refreshTokens.derive(seedOf(session), session.counter),
      refreshExpiresInSec: Math.min(this.#options.sessionIdleTtlSec, remainingSec),
    }
  }

  /**
   * The next tokens of a session. The token just replaced gives the same successor for 10 s more; an older one ends the session.
   * Fails with `refresh_token_invalid`, `refresh_token_expired`, `refresh_token_reused`, `session_ended`, `tenant_disabled`.
   */
  async refresh(token: string, origin: RequestOrigin): Promise<TokenSet> {
    const parts = partsOf(token)
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      const session = await this.#findGenuine(parts)
      const nowMs = this.#now()
      if (parts.counter === session.counter) {
        const advanced = await table.advanceSession(this.#options.store, session, { origin, nowMs })
        if (advanced) return this.tokensFor({ ...session, counter: session.counter + 1 })
      } else if (isJustReplaced(parts, session, nowMs)) {
        return this.tokensFor(session)
      } else {
        return this.#endReused(session, origin)
      }
    }
    throw new LatchkeyError('store_unavailable')
  }

  /**
   * Returns which of several refresh tokens of one session was derived here, the newest if there are more; the first where none was. What was made up by others costs
   * one read altogether, and changes nothing.
   */
  async chooseGenuine(tokens: readonly [string, ...string[]]): Promise<string> {
    const [first] = tokens
    if (tokens.length === 1) return first
    const session = await table.findSession(this.#options.store, partsOf(first).sessionId)
    if (session === undefined) return first
    const genuine = tokens
      .map((token) => ({ token, parts: partsOf(token) }))
      .filter(({ parts }) => this.#isGenuine(parts, session))
      .toSorted((a, b) => b.parts.counter - a.parts.counter)
    return genuine[0]?.token ?? first
  }

  /** The session of a refresh token that could be used now; it is not used up. Fails like `refresh` where it could not. */
  async findUsable(token: string): Promise<UsableSession> {
    const { parts, session } = await this.#findBehind(token)
    const usable = parts.counter === session.counter || isJustReplaced(parts, session, this.#now())
    if (!usable) throw new Problem('refresh_token_reused')
    const idleEndMs = session.lastUsedAt + this.#options.sessionIdleTtlSec * 1000
    return { ...session, endsAt: Math.min(session.expiresAt, idleEndMs) }
  }

  /** The living session that a refresh token was made for, however often it has been used. Fails with `refresh_token_invalid`, `refresh_token_expired`, `session_ended`, `tenant_disabled`. */
  async findLivingOf(token: string): Promise<table.Session> {
    return (await this.#findBehind(token)).session
  }

  /** Living sessions of an account, newest first. */
  list(accountId: string): Promise<table.Session[]> {
    const idleMs = this.#options.sessionIdleTtlSec * 1000
    return table.listSessions(this.#options.store, accountId, { nowMs: this.#now(), idleMs })
  }

  /** Ends one session and its tokens, in the caller's transaction, which has locked the account (`lockAccounts`); `false` when the account has no such session that lives. */
  async end(client: SqlClient, session: { id: string; accountId: string }, reason: table.EndReason): Promise<boolean> {
    const ended = await table.endSession(client, session, { reason, nowMs: this.#now() })
    if (ended) await this.#options.keys.revokeSession(session.accountId, session.id, { client })
    return ended
  }

  /** Ends all sessions of an account, in the caller's transaction, which has locked it. Their access tokens die with the secret: that is the caller's to revoke. */
  async endAll(client: SqlClient, accountId: string, reason: table.EndReason): Promise<void> {
    await table.endSessions(client, accountId, { reason, nowMs: this.#now() })
  }

  /** Ends all sessions but one, and gives that one a new line of refresh tokens, in the caller's transaction, which has locked the account. Fails with `session_ended`. */
  async keepOnly(client: SqlClient, session: { id: string; accountId: string }): Promise<table.Session> {
    const nowMs = this.#now()
    await table.endSessions(client, session.accountId, { reason: 'password_change', nowMs, spare: session.id })
    const renewed = await table.renewSession(client, session.id, nowMs)
    if (renewed === undefined) throw new LatchkeyError('session_ended')
    return renewed
  }

  /** Deletes what ended or expired long ago. */
  prune(): Promise<void> {
    return table.pruneSessions(this.#options.store, this.#now())
  }

  async #checkLiving(session: table.Session): Promise<void> {
    const latest = await table.findSession(this.#options.store, session.id)
    if (latest?.endedAt === null && latest.salt === session.salt) return
    // Only a deleted account takes its sessions along; signing may have made a new secret for it.
    if (latest === undefined) await this.#forgetDeleted(session.accountId)
    throw new LatchkeyError('session_ended')
  }

  #forgetDeleted(accountId: string): Promise<void> {
    return this.#options.store.transaction(async (client) => {
      const isDeleted = !(await lockAccounts(client, [accountId])).has(accountId)
      if (isDeleted) await this.#options.keys.forget(accountId, { client })
    })
  }

  async #findBehind(token: string): Promise<{ parts: RefreshTokenParts; session: table.OwnedSession }> {
    const parts = partsOf(token)
    return { parts, session: await this.#findGenuine(parts) }
  }

  #isGenuine(parts: RefreshTokenParts, session: table.OwnedSession): boolean {
    // A number that was not reached yet is genuine only after the database was set back to a backup.
    return this.#options.refreshTokens.isGenuine(parts, seedOf(session)) && parts.counter <= session.counter
  }

  async #findGenuine(parts: RefreshTokenParts): Promise<table.OwnedSession> {
    const session = await table.findSession(this.#options.store, parts.sessionId)
    if (session === undefined) throw new Problem('refresh_token_invalid')
    if (!this.#isGenuine(parts, session)) throw new Problem('refresh_token_invalid')
    if (session.disabledAt !== null) throw new LatchkeyError('tenant_disabled')
    if (session.endedAt !== null) throw new LatchkeyError('session_ended')
    const nowMs = this.#now()
    const idleEndMs = session.lastUsedAt + this.#options.sessionIdleTtlSec * 1000
    const alive = nowMs < session.expiresAt && nowMs < idleEndMs
    if (!alive) throw new Problem('refresh_token_expired')
    return session
  }

  async #endReused(session: table.OwnedSession, origin: RequestOrigin): Promise<never> {
    await this.#options.store.transaction(async (client) => {
      await lockAccounts(client, [session.accountId])
      const ended = await this.end(client, session, 'refresh_reuse')
      if (!ended) return
      await this.#options.audit.append(client, {
        event: 'refresh_reuse',
        outcome: 'refused',
        actor: null,
        account: session.accountId,
        session: session.id,
        address: origin.address,
      })
    })
    throw new Problem('refresh_token_reused')
  }

  #now(): number {
    return this.#options.clock.now()
  }
}

function partsOf(token: string): RefreshTokenParts {
  const parts = parseRefreshToken(token)
  if (parts === undefined) throw new Problem('refresh_token_invalid')
  return parts
}

function seedOf({ id, salt }: table.Session): RefreshTokenSeed {
  return { sessionId: id, salt }
}

// The absolute difference: servers' clocks differ a little, and a clock that was set back must not stretch the grace.
function isJustReplaced(parts: RefreshTokenParts, session: table.Session, nowMs: number): boolean {
  return parts.counter === session.counter - 1 && Math.abs(nowMs - session.rotatedAt) < replacedTokenGraceMs
}
