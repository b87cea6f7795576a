import { randomInt } from 'node:crypto'
import { type Auth, type Latchkey, LatchkeyError, type SessionIds } from 'latchkey'
import {
  applyRefresh,
  decideRefresh,
  maxRefreshCounter,
  parentOf,
  parseRefreshToken,
  type RefreshState,
  type RefreshTokenParts,
  type RefreshTokenSeed,
  type ReplaceableRefreshTokens,
} from 'latchkey/sessions'
import type { SqlClient } from 'latchkey/sql'
import { claimOfImpersonator, impersonatorOf } from '../authentication-claims.js'
import { type Changes, changeTogether } from '../change-together.js'
import type { Configuration } from '../config/configuration.js'
import type { Core } from '../core.js'
import { networkOf } from '../ip-address.js'
import type { RequestOrigin } from '../request-origin.js'
import { lockAccounts } from './account-lock.js'
import { levelOf, methodsIn } from './auth-methods.js'
import { deviceBinding } from './device-binding.js'
import { mayImpersonate, moveImpersonations } from './impersonation-table.js'
import * as table from './session-table.js'

/** The tokens of a session. */
export interface TokenSet {
  readonly sessionId: string
  readonly accessToken: string
  /** Seconds for which the access token is valid. */
  readonly expiresInSec: number
  readonly refreshToken: string
  /** Seconds until the refresh token expires if it is not used. */
  readonly refreshExpiresInSec: number
}

/** A new session that is not stored yet, with its tokens. */
export interface PreparedSession {
  readonly session: table.Session
  readonly tokens: TokenSet
}

/** A session that can be refreshed. */
export interface UsableSession extends table.AccountSession {
  /** The time at which it ends if it is not used, in milliseconds since 1970. */
  readonly endsAt: number
}

/** The source of further claims in access tokens; none of them grants a right. */
export interface ClaimsSource {
  claimsOf(accountId: string): Promise<Readonly<Record<string, unknown>>>
}

/** The settings of sessions. */
type SessionSettings = Pick<Configuration, 'accessTokenTtlSec' | 'sessionTtlSec' | 'sessionIdleTtlSec' | 'maxSessions'>

/** The parts of other domains that sessions use, and the refresh tokens. */
export interface SessionDependencies {
  readonly latchkey: Latchkey
  /** The session IDs that `latchkey` accepts. */
  readonly sessionIds: SessionIds
  /** The source of further claims in access tokens. */
  readonly claims: ClaimsSource
  readonly refreshTokens: ReplaceableRefreshTokens
}

/** The beginning of a session in which an administrator acts. */
export interface ImpersonatedBegin {
  /** The account of the administrator. */
  readonly impersonator: string
  readonly origin: RequestOrigin
  readonly expiresAt: number
}

const dayMs = 86_400_000

/** Attempts of a refresh that races with others of the same session, before it fails with 503. */
const maxAttempts = 5

/**
 * The number of sessions that logins of one account, which wait for its lock at the same time, may
 * begin without seeing each other.
 */
const unseenSessions = 16

/** Sessions checked in one step after a key was replaced. */
const replacedStepSize = 100

/** Sessions and their tokens. */
export class Sessions {
  readonly #core: Core
  readonly #dependencies: SessionDependencies
  readonly #settings: SessionSettings

  constructor(core: Core, dependencies: SessionDependencies, settings: SessionSettings) {
    this.#core = core
    this.#dependencies = dependencies
    this.#settings = settings
  }

  /**
   * Opens a session in the caller's transaction, which has locked the account. If the account then
   * has too many sessions, the least recently used ones end with their tokens.
   */
  async open(client: SqlClient, accountId: string, begin: table.SessionBegin): Promise<table.Session> {
    await this.#core.keys.ensureKeys()
    const opened = this.#newSession(accountId, begin)
    await table.insertSession(client, opened)
    await this.endExcess(client, opened, begin.origin)
    return opened
  }

  /**
   * Opens a session in which an administrator acts, until `expiresAt`, in the caller's transaction,
   * which has locked the account. It ends no session of the owner.
   *
   * Its owner has not authenticated. The session therefore states no method, and its ID a time in
   * 1970, so that no application takes it for a recent authentication.
   */
  async openImpersonated(
    client: SqlClient,
    accountId: string,
    { impersonator, origin, expiresAt }: ImpersonatedBegin,
  ): Promise<table.Session> {
    await this.#core.keys.ensureKeys()
    const id = this.#dependencies.sessionIds.mint(accountId, randomInt(dayMs))
    const nowMs = this.#now()
    const begin = { origin, methods: [] }
    const session = table.newSession(accountId, { id, begin, nowMs, ttlMs: expiresAt - nowMs })
    const opened = { ...session, authenticatedAt: null, impersonatedBy: impersonator }
    await table.insertSession(client, opened)
    return opened
  }

  /**
   * Returns a new session with its tokens, for `begin`. The session is not stored yet.
   *
   * The tokens are signed before the transaction that stores the session. They must not be returned
   * unless it commits: then a later end of the session also ends these tokens.
   *
   * @throws LatchkeyError `tenant_disabled`
   */
  async prepare(accountId: string, begin: table.SessionBegin): Promise<PreparedSession> {
    await this.#core.keys.ensureKeys()
    const session = this.#newSession(accountId, begin)
    return { session, tokens: await this.#sign(session) }
  }

  /**
   * Stores a prepared session in the caller's transaction, together with its other changes: `first`
   * locks the account, and decides.
   *
   * @returns `undefined` if `first` matched no row; otherwise whether the account may have too many
   * sessions now, so that the caller must call `endExcess`. If more than `unseenSessions` logins of
   * one account wait for its lock at the same time, it has more than the limit until the next one.
   */
  async begin(
    client: SqlClient,
    session: table.Session,
    { first, others }: Pick<Changes, 'first' | 'others'>,
  ): Promise<{ readonly mayExceed: boolean } | undefined> {
    const { sessionIdleTtlSec, maxSessions } = this.#settings
    const { id, accountId } = session
    const counted = { nowMs: this.#now(), idleMs: sessionIdleTtlSec * 1000, exceptId: id }
    const live = await changeTogether(client, this.#core.store, {
      first,
      others: [table.sessionInserted(session), ...others],
      read: table.otherSessionsCounted(accountId, counted),
    })
    return live === undefined ? undefined : { mayExceed: live + 1 + unseenSessions > maxSessions }
  }

  /**
   * Ends the least recently used sessions above the limit with their tokens, in the transaction
   * that has begun `session`.
   */
  async endExcess(client: SqlClient, { id, accountId }: table.Session, { address }: RequestOrigin): Promise<void> {
    const { sessionIdleTtlSec, maxSessions } = this.#settings
    const limits = { nowMs: this.#now(), idleMs: sessionIdleTtlSec * 1000, keep: maxSessions, keepId: id }
    for (const excess of await table.findExcessSessions(client, accountId, limits)) {
      await this.end(client, { id: excess, accountId }, 'session_limit')
      const subject = { account: accountId, session: excess }
      await this.#core.audit.done(client, 'session_end', { accountId: null, address }, subject)
    }
  }

  /**
   * Removes what `prepare` has made for an account that was deleted meanwhile: signing may have
   * made a new secret for it.
   */
  async discard({ accountId }: table.Session): Promise<void> {
    await this.#forgetDeleted(accountId)
  }

  /**
   * Signs the tokens of a live session.
   *
   * The session is read again after the signature, so that no token is returned that was signed
   * while the session was being ended.
   *
   * @throws Problem `session_ended`; LatchkeyError `tenant_disabled`
   */
  async tokensFor(session: table.Session): Promise<TokenSet> {
    const tokens = await this.#sign(session)
    await this.#checkLive(session)
    return tokens
  }

  /**
   * Returns the next tokens of a session. A replaced token is accepted until its successor is used,
   * and only from the client that refreshed, by the rules of `decideRefresh`. `deviceToken` is the
   * device token of the request.
   *
   * @throws LatchkeyError `refresh_token_invalid`, `refresh_token_expired`, `refresh_token_reused`,
   * `session_ended`, `tenant_disabled`
   */
  async refresh(token: string, origin: RequestOrigin, deviceToken?: string): Promise<TokenSet> {
    const parts = partsOf(token)
    const device = deviceBinding(deviceToken)
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      const session = await this.#findGenuine(parts, origin)
      const nowMs = this.#now()
      const shown = { ...origin, counter: parts.counter, device, network: networkOf(origin.address), nowMs }
      const state = refreshStateOf(session)
      const verdict = decideRefresh(state, shown)
      if (verdict === 'reused' || verdict === 'elsewhere') return this.#endReused(session, verdict, origin)
      const next = applyRefresh(state, verdict, shown)
      // Signed before the session is advanced, which fails if it has ended: then no token is
      // returned. A later end of the session also ends a token that was signed before.
      const tokens = await this.#sign({ ...session, counter: next.counter })
      if (!(await table.continueSession(this.#core.store, session, { origin, nowMs, next }))) {
        await this.#checkLive(session)
        continue
      }
      if (verdict !== 'rotate') await this.#recordGrace(session, verdict, origin)
      return tokens
    }
    throw new LatchkeyError('store_unavailable')
  }

  /**
   * Returns the newest genuine one of several refresh tokens of one session, or the first if none
   * is genuine. All tokens together cost one read, and forged ones change nothing.
   */
  async chooseGenuine(tokens: readonly [string, ...string[]]): Promise<string> {
    const [first] = tokens
    if (tokens.length === 1) return first
    const session = await table.findSession(this.#core.store, partsOf(first).sessionId)
    if (session === undefined) return first
    const genuine = tokens
      .map((token) => ({ token, parts: partsOf(token) }))
      .filter(({ parts }) => this.#isGenuine(parts, session))
      .toSorted((a, b) => b.parts.counter - a.parts.counter)
    return genuine[0]?.token ?? first
  }

  /**
   * Returns the session of a valid refresh token without using the token. Throws as `refresh` does.
   */
  async findUsable(token: string): Promise<UsableSession> {
    const { parts, session } = await this.#findLive(token)
    const isUsable = parts.counter === session.counter || parts.counter === parentOf(session)
    if (!isUsable) throw new LatchkeyError('refresh_token_reused')
    const idleEndMs = session.lastUsedAt + this.#settings.sessionIdleTtlSec * 1000
    return { ...session, endsAt: Math.min(session.expiresAt, idleEndMs) }
  }

  /**
   * Returns the live session of a genuine refresh token, also of a replaced one.
   *
   * @throws LatchkeyError `refresh_token_invalid`, `refresh_token_expired`, `session_ended`,
   * `tenant_disabled`
   */
  async findLiveSession(token: string): Promise<table.Session> {
    return (await this.#findLive(token)).session
  }

  /** Returns the live sessions of an account, newest first. */
  list(accountId: string, client: SqlClient = this.#core.store): Promise<table.Session[]> {
    const idleMs = this.#settings.sessionIdleTtlSec * 1000
    return table.listSessions(client, accountId, { nowMs: this.#now(), idleMs })
  }

  /** Returns sessions of an account that have ended or expired, as long as they are kept. */
  listEnded(accountId: string, page: table.EndedSessionsPage): Promise<table.StoredSession[]> {
    const idleMs = this.#settings.sessionIdleTtlSec * 1000
    return table.listEndedSessions(this.#core.store, accountId, { nowMs: this.#now(), idleMs, ...page })
  }

  /**
   * Returns whether the administrator whom a verified token names (`act`) is that of its session.
   * `true` for a token that names none.
   */
  async hasImpersonator(auth: Pick<Auth, 'claims' | 'sessionId'>): Promise<boolean> {
    const impersonator = impersonatorOf(auth)
    if (impersonator === undefined) return true
    const session = await table.findSession(this.#core.store, auth.sessionId ?? '')
    return session?.impersonatedBy === impersonator
  }

  /**
   * Ends one session and its tokens, in the caller's transaction, which has locked the account
   * (`lockAccounts`). Returns `false` if the account has no such live session.
   */
  async end(client: SqlClient, session: { id: string; accountId: string }, reason: table.EndReason): Promise<boolean> {
    const ended = await table.endSession(client, session, { reason, nowMs: this.#now() })
    if (ended) await this.#core.keys.revokeSession(session.accountId, session.id, { client })
    return ended
  }

  /**
   * Ends all sessions of an account, in the caller's transaction, which has locked it. The caller
   * revokes the secret of the account, which ends the access tokens.
   */
  async endAll(client: SqlClient, accountId: string, reason: table.EndReason): Promise<void> {
    await table.endSessions(client, accountId, { reason, nowMs: this.#now() })
  }

  /**
   * Ends all sessions but one, whose refresh tokens are replaced, in the caller's transaction,
   * which has locked the account.
   *
   * @throws Problem `session_ended`
   */
  async keepOnly(client: SqlClient, session: { id: string; accountId: string }): Promise<table.Session> {
    const nowMs = this.#now()
    await table.endSessions(client, session.accountId, { reason: 'password_change', nowMs, keepId: session.id })
    const renewed = await table.renewSession(client, session.id, nowMs)
    if (renewed === undefined) throw new LatchkeyError('session_ended')
    return renewed
  }

  /**
   * Ends all sessions of an account but one, with their tokens, in the caller's transaction, which
   * has locked the account. The tokens of the kept session stay valid.
   */
  async endOthers(
    client: SqlClient,
    { id: keepId, accountId }: { id: string; accountId: string },
    reason: table.EndReason,
  ): Promise<void> {
    const idleMs = this.#settings.sessionIdleTtlSec * 1000
    for (const { id } of await table.listSessions(client, accountId, { nowMs: this.#now(), idleMs })) {
      if (id !== keepId) await this.end(client, { id, accountId }, reason)
    }
  }

  /**
   * Renews a session after its owner has authenticated again, in the caller's transaction, which
   * has locked the account: it gets another ID, which states the time and the level, and all its
   * tokens end.
   *
   * @throws LatchkeyError `session_ended`
   */
  async stepUp(
    client: SqlClient,
    session: { id: string; accountId: string },
    begin: table.SessionBegin,
  ): Promise<table.Session> {
    await this.#core.keys.ensureKeys()
    const nowMs = this.#now()
    const id = this.#dependencies.sessionIds.mint(session.accountId, nowMs, levelOf(begin.methods))
    const renewed = await table.replaceSession(client, session, { id, begin, nowMs })
    if (renewed === undefined) throw new LatchkeyError('session_ended')
    await moveImpersonations(client, { from: session.id, to: id })
    await this.#core.keys.revokeSession(session.accountId, session.id, { client })
    return renewed
  }

  /** Ends the sessions whose IDs were made with a replaced key. `signal` stops it after a step. */
  async endReplaced(signal: AbortSignal): Promise<void> {
    const { store } = this.#core
    const { sessionIds } = this.#dependencies
    let after = ''
    while (!signal.aborted) {
      const live = await table.listLiveSessions(store, after, replacedStepSize)
      after = live.at(-1)?.id ?? after
      if (live.length === 0) return
      const due = live.filter(({ id, accountId }) => sessionIds.read(id, accountId) === undefined)
      await store.transaction(async (client) => {
        for (const session of due) {
          await table.endSession(client, session, { reason: 'ended_by_admin', nowMs: this.#now() })
        }
      })
    }
  }

  /** Deletes sessions that ended or expired long ago. */
  prune(): Promise<void> {
    return table.pruneSessions(this.#core.store, this.#now())
  }

  #newSession(accountId: string, begin: table.SessionBegin): table.Session {
    const nowMs = this.#now()
    const id = this.#dependencies.sessionIds.mint(accountId, nowMs, levelOf(begin.methods))
    return table.newSession(accountId, { id, begin, nowMs, ttlMs: this.#settings.sessionTtlSec * 1000 })
  }

  /** The rights of the account are in no token, but stored with its tenant. */
  async #sign(session: table.Session): Promise<TokenSet> {
    const remainingSec = Math.max(1, Math.ceil((session.expiresAt - this.#now()) / 1000))
    await this.#core.keys.ensureKeys()
    // The key of session IDs has been replaced meanwhile.
    if (this.#dependencies.sessionIds.read(session.id, session.accountId) === undefined)
      throw new LatchkeyError('session_ended')
    const { token, expiresIn } = await this.#dependencies.latchkey.issue({
      subject: session.accountId,
      sessionId: session.id,
      claims: {
        ...(await this.#dependencies.claims.claimsOf(session.accountId)),
        ...authenticationClaims(session),
        ...claimOfImpersonator(session.impersonatedBy),
        // RFC 9068 §2.2 requires it. A tenant's secret signs tokens of its own subject alone.
        client_id: session.accountId,
      },
      expiresIn: Math.min(this.#settings.accessTokenTtlSec, remainingSec),
    })
    return {
      sessionId: session.id,
      accessToken: token,
      expiresInSec: expiresIn,
      refreshToken: this.#dependencies.refreshTokens.derive(seedOf(session), session.counter),
      refreshExpiresInSec: Math.min(this.#settings.sessionIdleTtlSec, remainingSec),
    }
  }

  async #checkLive(session: table.Session): Promise<void> {
    const latest = await table.findSession(this.#core.store, session.id)
    if (latest?.endedAt === null && latest.salt === session.salt) return
    // Sessions are deleted with their account alone; signing may have made a new secret for it.
    if (latest === undefined) await this.#forgetDeleted(session.accountId)
    throw new LatchkeyError('session_ended')
  }

  #forgetDeleted(accountId: string): Promise<void> {
    return this.#core.store.transaction(async (client) => {
      const isDeleted = !(await lockAccounts(client, [accountId])).has(accountId)
      if (isDeleted) await this.#core.keys.forget(accountId, { client })
    })
  }

  async #findLive(token: string): Promise<{ parts: RefreshTokenParts; session: table.AccountSession }> {
    const parts = partsOf(token)
    return { parts, session: await this.#findGenuine(parts) }
  }

  #isGenuine(parts: RefreshTokenParts, session: table.AccountSession): boolean {
    // A counter above the stored one is genuine only if an older backup was restored.
    return this.#dependencies.refreshTokens.isGenuine(parts, seedOf(session)) && parts.counter <= session.counter
  }

  /** Records a forged token if `origin`, the origin of the request, is given. */
  async #findGenuine(parts: RefreshTokenParts, origin?: RequestOrigin): Promise<table.AccountSession> {
    const session = await table.findSession(this.#core.store, parts.sessionId)
    if (session === undefined) throw new LatchkeyError('refresh_token_invalid')
    await this.#core.keys.ensureKeys()
    if (session.endedAt !== null && this.#dependencies.refreshTokens.wasGenuine(parts, seedOf(session))) {
      throw new LatchkeyError('session_ended')
    }
    if (!this.#isGenuine(parts, session)) {
      if (origin !== undefined) await this.#recordForged(session, origin)
      throw new LatchkeyError('refresh_token_invalid')
    }
    if (session.disabledAt !== null) throw new LatchkeyError('tenant_disabled')
    if (session.endedAt !== null) throw new LatchkeyError('session_ended')
    const nowMs = this.#now()
    const idleEndMs = session.lastUsedAt + this.#settings.sessionIdleTtlSec * 1000
    const isAlive = nowMs < session.expiresAt && nowMs < idleEndMs && session.counter < maxRefreshCounter
    if (!isAlive) throw new LatchkeyError('refresh_token_expired')
    const isImpersonated = session.impersonatedBy !== null
    if (isImpersonated && !(await mayImpersonate(this.#core.store, session.id, nowMs)))
      throw new LatchkeyError('session_ended')
    return session
  }

  /**
   * Records a token that is forged, from before a password change, or newer than a restored backup.
   */
  #recordForged({ id, accountId }: table.Session, { address }: RequestOrigin): Promise<void> {
    const subject = { account: accountId, session: id, detail: { reason: 'refresh_token_invalid' } }
    return this.#core.audit.countRefused('refresh', { accountId: null, address }, subject)
  }

  #recordGrace(session: table.AccountSession, verdict: 'repeat' | 'fork', { address }: RequestOrigin): Promise<void> {
    const { accountId, id: sessionId, impersonatedBy } = session
    const actor = { accountId, sessionId, impersonatorId: impersonatedBy ?? undefined, address }
    const detail = {
      client: session.device === null ? 'unbound' : 'same_device',
      successor: verdict === 'repeat' ? 'same' : 'new',
    }
    return this.#core.audit.countDone('refresh_grace', actor, { detail })
  }

  async #endReused(
    session: table.AccountSession,
    reason: 'reused' | 'elsewhere',
    origin: RequestOrigin,
  ): Promise<never> {
    await this.#core.store.transaction(async (client) => {
      await lockAccounts(client, [session.accountId])
      const ended = await this.end(client, session, 'refresh_reuse')
      if (!ended) return
      const subject = { account: session.accountId, session: session.id, detail: { reason } }
      await this.#core.audit.refused(client, 'refresh_reuse', { accountId: null, address: origin.address }, subject)
    })
    throw new LatchkeyError('refresh_token_reused')
  }

  #now(): number {
    return this.#core.clock.now()
  }
}

function partsOf(token: string): RefreshTokenParts {
  const parts = parseRefreshToken(token)
  if (parts === undefined) throw new LatchkeyError('refresh_token_invalid')
  return parts
}

function seedOf({ id, salt }: table.Session): RefreshTokenSeed {
  return { sessionId: id, salt }
}

/**
 * Returns the claims of RFC 9068 §2.2.1. They inform applications. The proof is in the session
 * ID.
 */
function authenticationClaims({ amr, authenticatedAt }: table.Session) {
  const methods = methodsIn(amr)
  const time = authenticatedAt === null ? {} : { auth_time: Math.floor(authenticatedAt / 1000) }
  return { ...time, acr: levelOf(methods), amr: methods }
}

function refreshStateOf(session: table.Session): RefreshState {
  const network = session.address === null ? null : networkOf(session.address)
  return { ...session, isRepeated: session.repeats > 0, network }
}
