import { type Clock, type Latchkey, LatchkeyError, type SessionIds, type TenantSecrets } from 'latchkey'
import type { SqlClient, SqlStore } from 'latchkey/sql'
import type { AuditTrail } from '../audit/audit-trail.js'
import { networkOf } from '../ip-address.js'
import { Problem } from '../problem.js'
import type { RequestOrigin } from '../request-origin.js'
import { lockAccounts } from './account-lock.js'
import { deviceBinding } from './device-binding.js'
import { judgeRefresh, parentOf, type RefreshState } from './refresh-policy.js'
import {
  maxRefreshCounter,
  parseRefreshToken,
  type RefreshTokenParts,
  type RefreshTokenSeed,
  type ReplaceableRefreshTokens,
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

/** Where further claims of access tokens come from; none of them is a right. */
export interface ClaimsSource {
  claimsOf(accountId: string): Promise<Readonly<Record<string, unknown>>>
}

/** What `Sessions` works with. */
export interface SessionsOptions {
  readonly store: SqlStore
  readonly keys: TenantSecrets<SqlClient>
  readonly latchkey: Latchkey
  readonly refreshTokens: ReplaceableRefreshTokens
  /** The same that `latchkey` recognises. */
  readonly sessionIds: SessionIds
  readonly profiles: ClaimsSource
  readonly audit: AuditTrail
  readonly clock: Clock
  readonly accessTokenTtlSec: number
  readonly sessionTtlSec: number
  readonly sessionIdleTtlSec: number
  /** How many an account may have. */
  readonly maxSessions: number
}

/** Times that a refresh may lose the race against another one of the same session, before the answer is 503. */
const maxAttempts = 5

/** Sessions looked at in one step when a key was replaced. */
const replacedStepSize = 100

/** Logins and their tokens. */
export class Sessions {
  readonly #options: SessionsOptions

  constructor(options: SessionsOptions) {
    this.#options = options
  }

  /** A new session, in the caller's transaction, which has locked the account. Where it is one too many, those that were not used for the longest time end, with their tokens. */
  async open(client: SqlClient, accountId: string, origin: RequestOrigin): Promise<table.Session> {
    const nowMs = this.#now()
    const { keys, sessionIds, sessionTtlSec, sessionIdleTtlSec, maxSessions } = this.#options
    await keys.ensureKeys()
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
    await this.#options.keys.ensureKeys()
    // The key that its ID rests on was replaced meanwhile.
    if (!this.#options.sessionIds.recognises(session.id, session.accountId)) throw new LatchkeyError('session_ended')
    const { token, expiresIn } = await this.#options.latchkey.issue({
      subject: session.accountId,
      sessionId: session.id,
      // client_id is required by RFC 9068 §2.2. A tenant's secret signs none but its subject.
      claims: { ...(await this.#options.profiles.claimsOf(session.accountId)), client_id: session.accountId },
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
   * Returns the next tokens of a session. The replaced token is honoured for as long as its successor was never used, and only for the client that refreshed;
   * `judgeRefresh` has the rules. `deviceToken`: the one that came along.
   *
   * @throws Problem `refresh_token_invalid`, `refresh_token_expired`, `refresh_token_reused`; LatchkeyError `session_ended`, `tenant_disabled`
   */
  async refresh(token: string, origin: RequestOrigin, deviceToken?: string): Promise<TokenSet> {
    const parts = partsOf(token)
    const device = deviceBinding(deviceToken)
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      const session = await this.#findGenuine(parts, origin)
      const nowMs = this.#now()
      const shown = { ...origin, counter: parts.counter, device, network: networkOf(origin.address), nowMs }
      const verdict = judgeRefresh(refreshStateOf(session), shown)
      if (verdict === 'reused' || verdict === 'elsewhere') return this.#endReused(session, verdict, origin)
      if (!(await this.#take(session, verdict, { origin, nowMs, device }))) continue
      if (verdict !== 'rotate') await this.#recordGrace(session, verdict, origin)
      const counter = verdict === 'repeat' ? session.counter : session.counter + 1
      return this.tokensFor({ ...session, counter })
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
    const usable = parts.counter === session.counter || parts.counter === parentOf(session)
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

  /** Ends the sessions whose IDs rest on a key that was replaced; stops after the step at hand when `signal` is aborted. */
  async endReplaced(signal: AbortSignal): Promise<void> {
    const { store, sessionIds } = this.#options
    let after = ''
    while (!signal.aborted) {
      const living = await table.listLiving(store, after, replacedStepSize)
      after = living.at(-1)?.id ?? after
      if (living.length === 0) return
      const due = living.filter(({ id, accountId }) => !sessionIds.recognises(id, accountId))
      await store.transaction(async (client) => {
        for (const session of due) {
          await table.endSession(client, session, { reason: 'ended_by_admin', nowMs: this.#now() })
        }
      })
    }
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

  /** `origin`: where a token is presented from that is to be used; a forged one is then recorded. */
  async #findGenuine(parts: RefreshTokenParts, origin?: RequestOrigin): Promise<table.OwnedSession> {
    const session = await table.findSession(this.#options.store, parts.sessionId)
    if (session === undefined) throw new Problem('refresh_token_invalid')
    await this.#options.keys.ensureKeys()
    if (session.endedAt !== null && this.#options.refreshTokens.wasGenuine(parts, seedOf(session))) {
      throw new LatchkeyError('session_ended')
    }
    if (!this.#isGenuine(parts, session)) {
      if (origin !== undefined) await this.#recordForged(session, origin)
      throw new Problem('refresh_token_invalid')
    }
    if (session.disabledAt !== null) throw new LatchkeyError('tenant_disabled')
    if (session.endedAt !== null) throw new LatchkeyError('session_ended')
    const nowMs = this.#now()
    const idleEndMs = session.lastUsedAt + this.#options.sessionIdleTtlSec * 1000
    const alive = nowMs < session.expiresAt && nowMs < idleEndMs && session.counter < maxRefreshCounter
    if (!alive) throw new Problem('refresh_token_expired')
    return session
  }

  /** Whether the session still was as it was judged, and went on. */
  #take(
    session: table.OwnedSession,
    verdict: 'rotate' | 'repeat' | 'fork',
    use: table.RefreshUse & { readonly device: string | null },
  ): Promise<boolean> {
    const { store } = this.#options
    if (verdict === 'rotate') return table.advanceSession(store, session, use)
    return verdict === 'repeat' ? table.repeatSession(store, session, use) : table.forkSession(store, session, use)
  }

  /** A token of this session that was not made from it: guessed, of an earlier line, or from after the backup that was restored. */
  #recordForged({ id, accountId }: table.Session, { address }: RequestOrigin): Promise<void> {
    const entry = { event: 'refresh', outcome: 'refused', actor: null, account: accountId, session: id } as const
    return this.#options.audit.tally({ ...entry, address, detail: { reason: 'refresh_token_invalid' } })
  }

  #recordGrace(session: table.OwnedSession, verdict: 'repeat' | 'fork', { address }: RequestOrigin): Promise<void> {
    return this.#options.audit.tally({
      event: 'refresh_grace',
      outcome: 'done',
      actor: session.accountId,
      account: session.accountId,
      session: session.id,
      address,
      detail: {
        client: session.device === null ? 'unbound' : 'same_device',
        successor: verdict === 'repeat' ? 'same' : 'new',
      },
    })
  }

  async #endReused(session: table.OwnedSession, reason: 'reused' | 'elsewhere', origin: RequestOrigin): Promise<never> {
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
        detail: { reason },
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

function refreshStateOf(session: table.Session): RefreshState {
  return { ...session, network: session.address === null ? null : networkOf(session.address) }
}
