import { randomBytes } from 'node:crypto'
import { publishSession, type SessionMessage } from '../channels.js'
import { checkWhole } from '../check-whole.js'
import type { AuthenticationLevel } from '../claims/session-ids.js'
import { type Clock, systemClock } from '../clock.js'
import { refusal } from '../errors.js'
import type { IssuedToken, Latchkey } from '../latchkey-api.js'
import { readHeader } from '../secrets/canonical-header.js'
import type { TenantRecord } from '../secrets/ports.js'
import { checkTenantId } from '../secrets/tenant-id.js'
import type { EndingOptions } from '../tenant-secrets/tenant-secrets-api.js'
import { applyRefresh, decideRefresh, type Presentation } from './refresh-policy.js'
import {
  isRefreshableId,
  maxRefreshCounter,
  parseRefreshToken,
  type RefreshTokenParts,
  type RefreshTokenSeed,
  RefreshTokens,
  type ReplaceableRefreshTokens,
  replaceableRefreshTokens,
} from './refresh-token.js'
import { type CheckedOrigin, checkOrigin } from './session-origin.js'
import type { SessionRecord, StoredSession } from './session-store.js'
import type {
  EndAllOptions,
  Session,
  SessionOrigin,
  Sessions,
  SessionsOptions,
  SessionTokens,
  StartOptions,
  StepUpOptions,
} from './sessions-api.js'

/**
 * Returns the sessions of an application: refresh tokens with rotation and reuse detection, over
 * the store of its tenant secrets. It has nothing to close.
 *
 * @throws TypeError for invalid options
 * @example
 * ```ts
 * import { createLatchkey, tenantSecrets } from 'latchkey'
 * import { postgresStore } from 'latchkey/postgres'
 * import { createSessions } from 'latchkey/sessions'
 *
 * const store = postgresStore({ connectionString: process.env.DATABASE_URL })
 * const keys = tenantSecrets({ store, masterKeys: process.env.LATCHKEY_MASTER_KEYS })
 * const latchkey = createLatchkey({ issuer: 'https://auth.example.com', audience: 'api', keys })
 * const sessions = createSessions({ latchkey, keys, store })
 *
 * const signedIn = await sessions.start('ada')
 * const next = await sessions.refresh(signedIn.refreshToken)
 * await sessions.end('ada', next.session.id)
 * ```
 */
export function createSessions<Client>(options: SessionsOptions<Client>): Sessions<Client> {
  return new StoredSessions(options)
}

/**
 * Attempts of a refresh that races with others of the same session. Two can fail: one tab has
 * rotated meanwhile, then another has used the replaced token.
 */
const maxAttempts = 5

/** Ended sessions are kept for a day, so that their refresh tokens are refused with the reason. */
const keepEndedMs = 86_400_000

/** Sessions that are deleted by one statement. */
const pruneStep = 1000

const longestTtlSec = 315_360_000

/** The name of a stored key never changes. */
const keyName = 'refresh-key'

/** A session that begins, or that begins again under a new ID. */
interface Beginning {
  readonly subject: string
  readonly origin: CheckedOrigin
  /** @defaultValue now */
  readonly createdAt?: number | undefined
  readonly expiresAt: number
}

class StoredSessions<Client> implements Sessions<Client> {
  readonly #latchkey: Latchkey
  readonly #keys: SessionsOptions<Client>['keys']
  readonly #store: SessionsOptions<Client>['store']
  readonly #claims: SessionsOptions<Client>['claims']
  readonly #clock: Clock
  readonly #sessionMs: number
  readonly #idleMs: number
  readonly #maxSessions: number
  #opening: Promise<ReplaceableRefreshTokens> | undefined

  constructor(options: SessionsOptions<Client>) {
    const { latchkey, keys, store, claims, clock = systemClock } = options
    if (typeof latchkey?.issue !== 'function') throw new TypeError('latchkey is missing: pass that of createLatchkey.')
    if (typeof keys?.revokeSession !== 'function') throw new TypeError('keys is missing: pass tenantSecrets.')
    if (typeof store?.advanceSession !== 'function')
      throw new TypeError('store is missing: pass the store of the keys.')
    const sessionTtlSec = checkWhole('sessionTtl', options.sessionTtl ?? 2_592_000, 60, longestTtlSec)
    const idleTtlSec = options.idleTtl ?? Math.min(1_209_600, sessionTtlSec)
    this.#latchkey = latchkey
    this.#keys = keys
    this.#store = store
    this.#claims = claims
    this.#clock = clock
    this.#sessionMs = sessionTtlSec * 1000
    this.#idleMs = checkWhole('idleTtl', idleTtlSec, 60, sessionTtlSec) * 1000
    this.#maxSessions = checkWhole('maxSessions', options.maxSessions ?? 100, 1, 1000)
  }

  async start(subject: string, options: StartOptions<Client> = {}): Promise<SessionTokens> {
    checkTenantId(subject)
    const { client } = options
    const origin = checkOrigin(options)
    const tokens = await this.#open()
    if (client !== undefined) await this.#checkProvisioned(subject, client)
    const expiresAt = this.#clock.now() + this.#sessionMs
    // Signed before the session is stored, which fails if the secret has ended: then no token is
    // returned. A later end of the secret or of the session also ends this token.
    const issued = await this.#issue(subject, { level: options.level, expiresAt })
    const add = (open: Client) => this.#add(issued, { subject, origin, expiresAt }, open)
    const session = await (client === undefined ? this.#store.transaction(add) : add(client))
    this.#publish('started', subject, client === undefined)
    return this.#tokensOf(session, issued, tokens)
  }

  async stepUp(
    subject: string,
    sessionId: string,
    { level = 'aal1', client }: StepUpOptions<Client> = {},
  ): Promise<SessionTokens> {
    checkTenantId(subject)
    const tokens = await this.#open()
    const before = isRefreshableId(sessionId) ? await this.#store.readSession(sessionId) : undefined
    const isLive = before?.subject === subject && before.endedAt === null && !before.isRevoked
    if (!isLive) throw refusal('session_ended')
    const { expiresAt } = before
    // Signed before the session is stored, for the same reason as in `start`.
    const issued = await this.#issue(subject, { level, expiresAt })
    const session = await this.#change(client === undefined ? {} : { client }, async (open) => {
      await this.#lock(subject, open)
      const live = await this.#store.listSessions(subject, this.#clock.now(), open)
      // A refresh may have changed it meanwhile.
      const latest = live.find(({ id }) => id === sessionId)
      if (latest === undefined || !(await this.#end(subject, sessionId, open))) throw refusal('session_ended')
      return this.#add(issued, { subject, origin: latest, createdAt: latest.createdAt, expiresAt }, open)
    })
    this.#publish('stepped_up', subject, client === undefined)
    return this.#tokensOf(session, issued, tokens)
  }

  async refresh(refreshToken: string, options: SessionOrigin = {}): Promise<SessionTokens> {
    const origin = checkOrigin(options)
    const parts = partsOf(refreshToken)
    const tokens = await this.#open()
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      const session = await this.#findLive(parts, tokens)
      const shown = { ...origin, counter: parts.counter, nowMs: this.#clock.now() }
      const verdict = decideRefresh(session, shown)
      if (verdict === 'reused' || verdict === 'elsewhere') return this.#endReused(session, verdict)
      // Signed before the session is advanced, for the same reason as in `start`.
      const issued = await this.#issue(session.subject, { sessionId: session.id, expiresAt: session.expiresAt })
      const after = this.#continued(session, applyRefresh(session, verdict, shown), { origin, shown })
      if (!(await this.#store.advanceSession(session, after))) continue
      this.#publish(verdict === 'rotate' ? 'refreshed' : 'grace_used', session.subject)
      return this.#tokensOf(after, issued, tokens)
    }
    throw refusal('store_busy')
  }

  async find(refreshToken: string): Promise<Session> {
    return sessionOf(await this.#findLive(partsOf(refreshToken), await this.#open()))
  }

  async list(subject: string): Promise<readonly Session[]> {
    checkTenantId(subject)
    const live = await this.#store.listSessions(subject, this.#clock.now())
    return live.map(sessionOf).sort((a, b) => b.lastUsedAt - a.lastUsedAt)
  }

  async end(subject: string, sessionId: string, options?: EndingOptions<Client>): Promise<boolean> {
    checkTenantId(subject)
    if (!isRefreshableId(sessionId)) return false
    const isEnded = await this.#change(options, (client) => this.#lockAndEnd(subject, sessionId, client))
    if (isEnded) this.#publish('ended', subject, options?.client === undefined)
    return isEnded
  }

  async endAll(subject: string, { except, ...options }: EndAllOptions<Client> = {}): Promise<void> {
    if (except === undefined) return this.#keys.revoke(subject, options)
    checkTenantId(subject)
    await this.#change(options, async (client) => {
      if ((await this.#lock(subject, client)) === undefined) throw refusal('tenant_unknown')
      const live = await this.#store.listSessions(subject, this.#clock.now(), client)
      for (const { id } of live) if (id !== except) await this.#end(subject, id, client)
    })
    this.#publish('ended', subject, options.client === undefined)
  }

  async prune(): Promise<number> {
    const before = this.#clock.now() - keepEndedMs
    let deleted = 0
    for (;;) {
      const count = await this.#store.pruneSessions(before, pruneStep)
      deleted += count
      if (count < pruneStep) return deleted
    }
  }

  /** Returns the refresh tokens under the stored key, which is read once. */
  async #open(): Promise<ReplaceableRefreshTokens> {
    this.#opening ??= this.#keys
      .storedKey(keyName, (bytes) => new RefreshTokens(bytes))
      .then(replaceableRefreshTokens)
      .catch((error: unknown) => {
        this.#opening = undefined
        throw error
      })
    const tokens = await this.#opening
    await this.#keys.ensureKeys()
    return tokens
  }

  async #issue(
    subject: string,
    {
      sessionId,
      level,
      expiresAt,
    }: {
      readonly sessionId?: string
      readonly level?: AuthenticationLevel | undefined
      readonly expiresAt: number
    },
  ): Promise<IssuedToken> {
    const remainingSec = Math.max(1, Math.ceil((expiresAt - this.#clock.now()) / 1000))
    return this.#latchkey.issue({
      subject,
      ...(sessionId === undefined ? { level } : { sessionId }),
      ...(this.#claims === undefined ? {} : { claims: await this.#claims(subject) }),
      expiresIn: Math.min(this.#latchkey.accessTokenTtl, remainingSec),
    })
  }

  /** Stores a new session in the open transaction, and ends those above the limit. */
  async #add(
    issued: IssuedToken,
    { subject, origin, createdAt, expiresAt }: Beginning,
    client: Client,
  ): Promise<SessionRecord> {
    const { sessionId: id, token } = issued
    if (!isRefreshableId(id))
      throw new TypeError('Sessions need session IDs that are UUIDs, as sessionIds() mints them.')
    const tenant = await this.#lock(subject, client)
    const { kid } = readHeader(token.slice(0, token.indexOf('.')))
    const isSignedByTenant = tenant?.secrets.some((secret) => secret.kid === kid) === true
    const nowMs = this.#clock.now()
    const session = newSession({ id, subject, origin, createdAt, nowMs, expiresAt, idleMs: this.#idleMs })
    if (!isSignedByTenant || !(await this.#store.addSession(session, client))) throw revokedMeanwhile()
    await this.#endExcess(session, client)
    return session
  }

  async #endExcess({ id, subject }: SessionRecord, client: Client): Promise<void> {
    const live = await this.#store.listSessions(subject, this.#clock.now(), client)
    const others = live.filter((session) => session.id !== id).toSorted((a, b) => b.usedAt - a.usedAt)
    for (const excess of others.slice(this.#maxSessions - 1)) await this.#end(subject, excess.id, client)
  }

  async #lockAndEnd(subject: string, id: string, client: Client): Promise<boolean> {
    const tenant = await this.#lock(subject, client)
    return tenant !== undefined && (await this.#end(subject, id, client))
  }

  /** Ends a session in a transaction that has locked the tenant. */
  async #end(subject: string, id: string, client: Client): Promise<boolean> {
    if (!(await this.#store.endSession(subject, id, this.#clock.now(), client))) return false
    await this.#keys.revokeSession(subject, id, { client })
    return true
  }

  async #endReused({ subject, id }: SessionRecord, reason: 'reused' | 'elsewhere'): Promise<never> {
    const isEnded = await this.#store.transaction((client) => this.#lockAndEnd(subject, id, client))
    if (isEnded) this.#publish(reason, subject)
    throw refusal('refresh_token_reused')
  }

  /** Runs a change in the transaction of the caller, or in one of its own. */
  async #change<T>(
    { client, everywhere = false }: EndingOptions<Client> = {},
    work: (client: Client) => Promise<T>,
  ): Promise<T> {
    if (client !== undefined) {
      if (everywhere) throw new TypeError('everywhere cannot be combined with client: nothing is committed yet.')
      return work(client)
    }
    const result = await this.#store.transaction(work)
    if (everywhere) await this.#keys.waitForPropagation()
    return result
  }

  /** Locks a tenant until the transaction ends, as every change of it does. */
  async #lock(subject: string, client: Client): Promise<TenantRecord | undefined> {
    const tenant = await this.#store.change(subject, (current) => current, client)
    return tenant?.forgottenUntil === null ? tenant : undefined
  }

  /** A secret that is created while the caller's transaction holds the lock would wait for it. */
  async #checkProvisioned(subject: string, client: Client): Promise<void> {
    if ((await this.#lock(subject, client)) !== undefined) return
    const hint = 'Call keys.provision(subject) before the transaction, or start the session after its commit.'
    throw refusal('tenant_unknown', { hint })
  }

  async #findLive(parts: RefreshTokenParts, tokens: ReplaceableRefreshTokens): Promise<StoredSession> {
    const session = await this.#store.readSession(parts.sessionId)
    if (session === undefined) throw refusal('refresh_token_invalid')
    const seed = seedOf(session)
    if (tokens.wasGenuine(parts, seed)) throw refusal('session_ended')
    // A counter above the stored one is genuine only if an older backup was restored.
    const isGenuine = tokens.isGenuine(parts, seed) && parts.counter <= session.counter
    if (!isGenuine) throw refusal('refresh_token_invalid')
    if (session.endedAt !== null || session.isRevoked) throw refusal('session_ended')
    const isAlive = this.#clock.now() < session.endsAt && session.counter < maxRefreshCounter
    if (!isAlive) throw refusal('refresh_token_expired')
    return session
  }

  #continued(
    session: SessionRecord,
    refreshed: ReturnType<typeof applyRefresh>,
    { origin, shown: { nowMs, counter } }: { readonly origin: CheckedOrigin; readonly shown: Presentation },
  ): SessionRecord {
    const isGrace = counter !== session.counter
    return {
      ...session,
      ...refreshed,
      address: origin.address,
      usedAt: nowMs,
      endsAt: Math.min(nowMs + this.#idleMs, session.expiresAt),
      graceUses: session.graceUses + (isGrace ? 1 : 0),
      graceUsedAt: isGrace ? nowMs : session.graceUsedAt,
    }
  }

  #tokensOf(
    session: SessionRecord,
    { token, expiresIn }: IssuedToken,
    tokens: ReplaceableRefreshTokens,
  ): SessionTokens {
    return {
      session: sessionOf(session),
      accessToken: token,
      accessTokenExpiresIn: expiresIn,
      refreshToken: tokens.derive(seedOf(session), session.counter),
      refreshTokenExpiresIn: Math.max(1, Math.ceil((session.endsAt - this.#clock.now()) / 1000)),
    }
  }

  #publish(event: SessionMessage['event'], subject: string, isCommitted = true): void {
    publishSession(() => ({ source: this, event, subject, isCommitted }))
  }
}

function partsOf(refreshToken: string): RefreshTokenParts {
  const parts = parseRefreshToken(refreshToken)
  if (parts === undefined) throw refusal('refresh_token_invalid')
  return parts
}

/**
 * Returns the seed of a session's tokens. The subject is part of it, after the salt of a fixed
 * length, so that a row that is moved to another subject makes its tokens invalid.
 */
function seedOf({ id, salt, subject }: SessionRecord): RefreshTokenSeed {
  const bound = Buffer.concat([Buffer.from(salt, 'base64url'), Buffer.from(subject)])
  return { sessionId: id, salt: bound.toString('base64url') }
}

function revokedMeanwhile() {
  const hint = 'The subject was revoked during the sign-in: sign in again, after the commit of the revocation.'
  return refusal('session_ended', { hint })
}

function newSession({
  id,
  subject,
  origin: { device, userAgent, address, network },
  nowMs,
  createdAt = nowMs,
  expiresAt,
  idleMs,
}: Beginning & { readonly id: string; readonly nowMs: number; readonly idleMs: number }): SessionRecord {
  return {
    device,
    userAgent,
    address,
    network,
    id,
    subject,
    salt: randomBytes(16).toString('base64url'),
    counter: 1,
    forks: 0,
    isRepeated: false,
    repeatedRun: 0,
    createdAt,
    rotatedAt: nowMs,
    usedAt: nowMs,
    endsAt: Math.min(nowMs + idleMs, expiresAt),
    expiresAt,
    endedAt: null,
    graceUses: 0,
    graceUsedAt: null,
  }
}

function sessionOf(session: SessionRecord): Session {
  const { id, subject, userAgent, address, createdAt, usedAt, endsAt, expiresAt, graceUses, graceUsedAt } = session
  return { id, subject, userAgent, address, createdAt, lastUsedAt: usedAt, endsAt, expiresAt, graceUses, graceUsedAt }
}
