import { randomInt } from 'node:crypto'
import { LatchkeyError } from '../../errors.js'
import type { KeyPairRecord, KeyPairStore } from '../../keys/key-pair-store.js'
import {
  type Change,
  type ChangeFeed,
  type ChangeListener,
  type Decide,
  type HistoryPoint,
  KEYS_CHANGED,
  type RecentChanges,
  type Resealer,
  type Retention,
  type SealedSetting,
  type TenantRecord,
  type TenantState,
  type TenantStore,
  type Verifier,
  type WatchOptions,
} from '../../secrets/ports.js'
import type { SessionRecord, SessionStore, StoredSession } from '../../sessions/session-store.js'
import { clearInterval, performance, setInterval } from '../../timers.js'
import { Listeners } from '../listeners.js'
import { Mutex } from '../mutex.js'
import { keepsSecret, tenantRecord } from '../tenant-record.js'
import { MemorySessions, type SessionDraft } from './memory-sessions.js'

/** The handle of an open transaction of a memory store. */
export interface MemoryTransaction {
  /**
   * The tenants that the transaction has changed, in the state that it will commit; `undefined` for
   * a tenant that it will delete.
   */
  readonly draft: ReadonlyMap<string, TenantRecord | undefined>
}

/** A store in the memory of this process. */
export interface MemoryStore extends TenantStore<MemoryTransaction>, SessionStore<MemoryTransaction>, KeyPairStore {}

/**
 * The longest wait of a writer for earlier ones. Only a transaction whose work never ends takes as
 * long.
 */
const patienceMs = 10_000

/**
 * Returns a store that keeps tenants' secrets, sessions and key pairs in the memory of this
 * process, for tests and trials. Nothing is written to disk, and other processes see no change.
 *
 * @example
 * ```ts
 * import { tenantSecrets } from 'latchkey'
 * import { memoryStore } from 'latchkey/memory'
 *
 * const store = memoryStore()
 * const keys = tenantSecrets({ store, masterKeys: process.env.LATCHKEY_MASTER_KEYS })
 * ```
 */
export function memoryStore(): MemoryStore {
  return new ProcessMemory()
}

class Transaction implements MemoryTransaction {
  readonly draft = new Map<string, TenantRecord | undefined>()
  readonly sessions: SessionDraft = new Map()
  readonly changes: Change[] = []
}

class ProcessMemory implements MemoryStore {
  #historyNumber: number | undefined
  readonly #tenants = new Map<string, TenantRecord>()
  readonly #owners = new Map<string, string>()
  readonly #sessions = new MemorySessions()
  readonly #settings = new Map<string, SealedSetting>()
  readonly #seals = new Map<string, number>()
  /** The version of the newest change, by tenant. */
  readonly #changes = new Map<string, number>()
  readonly #listeners = new Listeners()
  readonly #feeds = new Map<ChangeFeed, string>()
  readonly #verifiers = new Map<string, { readonly verifier: Verifier; readonly until: number }>()
  readonly #writers = new Mutex(patienceMs)
  #keyPairs: readonly KeyPairRecord[] = []
  #newestVersion = 0
  #newestRequest = 0
  #closed = false

  async readByKid(kids: readonly string[]): Promise<ReadonlyMap<string, TenantRecord>> {
    this.#checkOpen()
    const found = new Map<string, TenantRecord>()
    for (const kid of kids) {
      const record = this.#tenants.get(this.#owners.get(kid) ?? '')
      if (record !== undefined) found.set(kid, record)
    }
    return found
  }

  async readTenants(tenants: readonly string[]): Promise<ReadonlyMap<string, TenantRecord>> {
    this.#checkOpen()
    const found = new Map<string, TenantRecord>()
    for (const tenant of tenants) {
      const record = this.#tenants.get(tenant)
      if (record !== undefined) found.set(tenant, record)
    }
    return found
  }

  async change(tenant: string, decide: Decide, client?: MemoryTransaction): Promise<TenantRecord | undefined> {
    if (client === undefined) return this.transaction((own) => this.change(tenant, decide, own))
    const { draft, sessions, changes } = transactionOf(client)
    const current = this.#find(tenant, client)
    const next = decide(current)
    if (next === current) return current
    this.#checkKids(tenant, next)
    this.#newestVersion += 1
    const record = next === undefined ? undefined : tenantRecord(tenant, this.#newestVersion, next)
    draft.set(tenant, record)
    if (next === undefined) this.#sessions.remove(tenant, sessions)
    else if (!keepsSecret(current, next)) this.#sessions.revoke(tenant, sessions)
    changes.push({ tenant, version: this.#newestVersion })
    return record
  }

  async transaction<T>(work: (client: MemoryTransaction) => Promise<T>): Promise<T> {
    this.#checkOpen()
    return this.#writers.run(async () => {
      this.#checkOpen()
      const transaction = new Transaction()
      const result = await work(transaction)
      for (const [tenant, record] of transaction.draft) this.#put(tenant, record)
      this.#sessions.commit(transaction.sessions)
      for (const { tenant, version } of transaction.changes) this.#changes.set(tenant, version)
      this.#listeners.publish(transaction.changes)
      return result
    })
  }

  async watch(listener: ChangeListener, { verifierId, intervalMs, instant }: WatchOptions): Promise<ChangeFeed> {
    this.#checkOpen()
    this.#listeners.add(listener)
    // Commits are reported at once, so at any moment every earlier commit has been delivered.
    const timer = setInterval(() => listener.proved(instant()), intervalMs).unref()
    const feed: ChangeFeed = {
      check: () => listener.proved(instant()),
      close: async () => {
        clearInterval(timer)
        this.#listeners.delete(listener)
        this.#feeds.delete(feed)
      },
    }
    this.#feeds.set(feed, verifierId)
    listener.proved(instant())
    return feed
  }

  async lowWaterMark(): Promise<HistoryPoint> {
    this.#checkOpen()
    return { history: this.#history, lowWaterMark: this.#newestVersion + 1 }
  }

  async changesSince(): Promise<RecentChanges> {
    this.#checkOpen()
    return {
      history: this.#history,
      since: 0,
      changes: [...this.#changes].map(([tenant, version]) => ({ tenant, version })),
    }
  }

  async readDue(before: number, after: string, limit: number): Promise<readonly string[]> {
    this.#checkOpen()
    const due = [...this.#tenants.values()].filter((record) => isDue(record, before)).map(({ tenant }) => tenant)
    return due
      .filter((tenant) => tenant > after)
      .sort()
      .slice(0, limit)
  }

  async countDue(before: number): Promise<number> {
    this.#checkOpen()
    return [...this.#tenants.values()].filter((record) => isDue(record, before)).length
  }

  async readGranted(after: string, limit: number): Promise<readonly string[]> {
    this.#checkOpen()
    const granted = [...this.#tenants.values()].filter(({ tenant, grants }) => grants !== null && tenant > after)
    return granted
      .map(({ tenant }) => tenant)
      .sort()
      .slice(0, limit)
  }

  async renewLease(verifier: Verifier, forMs: number): Promise<void> {
    this.#checkOpen()
    this.#verifiers.set(verifier.id, { verifier, until: performance.now() + forMs })
  }

  async releaseLease(verifierId: string): Promise<void> {
    this.#checkOpen()
    this.#verifiers.delete(verifierId)
  }

  async requestAcknowledgements(): Promise<number> {
    this.#checkOpen()
    this.#newestRequest += 1
    return this.#newestRequest
  }

  async verifiers(request?: number): Promise<readonly Verifier[]> {
    this.#checkOpen()
    const now = performance.now()
    const listed = [...this.#verifiers.values()].filter(({ until }) => until > now).map(({ verifier }) => verifier)
    if (request === undefined) return listed
    // Every listener was called at the commit, so each has acknowledged.
    const watching = new Set(this.#feeds.values())
    return listed.filter(({ id }) => !watching.has(id))
  }

  async setting(name: string, initial: () => SealedSetting): Promise<SealedSetting> {
    this.#checkOpen()
    const setting = this.#settings.get(name) ?? initial()
    this.#settings.set(name, setting)
    return setting
  }

  async readSettings(): Promise<readonly SealedSetting[]> {
    this.#checkOpen()
    return [...this.#settings.values()]
  }

  async changeSettings(
    decide: (current: readonly SealedSetting[]) => readonly SealedSetting[],
  ): Promise<readonly SealedSetting[]> {
    return this.#writers.run(async () => {
      this.#checkOpen()
      const current = [...this.#settings.values()]
      const next = decide(current)
      if (next === current) return current
      this.#settings.clear()
      for (const setting of next) this.#settings.set(setting.name, setting)
      this.#reportKeysChanged()
      return next
    })
  }

  async countSeals(masterKeyId: string, count: number): Promise<void> {
    this.#checkOpen()
    this.#seals.set(masterKeyId, (this.#seals.get(masterKeyId) ?? 0) + count)
  }

  async sealCounts(): Promise<ReadonlyMap<string, number>> {
    this.#checkOpen()
    return new Map(this.#seals)
  }

  async masterKeyIds(): Promise<readonly string[]> {
    this.#checkOpen()
    const ofTenants = [...this.#tenants.values()].flatMap(({ secrets, grants }) => [
      ...secrets,
      ...(grants ? [grants] : []),
    ])
    return [...new Set([...ofTenants, ...this.#settings.values(), ...this.#keyPairs].map((row) => row.masterKeyId))]
  }

  async reseal(masterKeyId: string, limit: number, reseal: Resealer): Promise<number> {
    return this.#writers.run(async () => {
      this.#checkOpen()
      let left = limit
      const isDue = (row: { readonly masterKeyId: string }) => row.masterKeyId !== masterKeyId && left-- > 0
      for (const record of this.#tenants.values()) {
        const { tenant, version } = record
        const secrets = record.secrets.map((row) => (isDue(row) ? { ...row, ...reseal.secret(tenant, row) } : row))
        const sealed = record.grants
        const grants = sealed !== null && isDue(sealed) ? reseal.grants(tenant, version, sealed) : sealed
        this.#tenants.set(tenant, { ...record, secrets, grants })
      }
      for (const row of this.#settings.values()) if (isDue(row)) this.#settings.set(row.name, reseal.setting(row))
      this.#keyPairs = this.#keyPairs.map((row) => (isDue(row) ? { ...row, ...reseal.keyPair(row) } : row))
      return limit - Math.max(left, 0)
    })
  }

  async prune({ now, keepMs }: Retention): Promise<void> {
    const endedBefore = now - keepMs
    return this.#writers.run(async () => {
      this.#checkOpen()
      for (const record of this.#tenants.values()) {
        if (record.forgottenUntil !== null && record.forgottenUntil < endedBefore) {
          const draft: SessionDraft = new Map()
          this.#sessions.remove(record.tenant, draft)
          this.#sessions.commit(draft)
          this.#put(record.tenant, undefined)
          continue
        }
        const secrets = record.secrets.filter(
          (secret) => secret.retiresAt === null || !(secret.retiresAt < endedBefore),
        )
        const endedSessions = record.endedSessions.filter((session) => !(session.until < endedBefore))
        this.#put(record.tenant, { ...record, secrets, endedSessions })
      }
    })
  }

  async addSession(session: SessionRecord, client: MemoryTransaction): Promise<boolean> {
    const { sessions } = transactionOf(client)
    const tenant = this.#find(session.subject, client)
    if (tenant === undefined || tenant.secrets.length === 0) return false
    this.#sessions.add(session, sessions)
    return true
  }

  async readSession(id: string): Promise<StoredSession | undefined> {
    this.#checkOpen()
    return this.#sessions.find(id)
  }

  advanceSession(before: SessionRecord, after: SessionRecord): Promise<boolean> {
    return this.transaction(async (client) => this.#sessions.advance(before, after, transactionOf(client).sessions))
  }

  async listSessions(subject: string, nowMs: number, client?: MemoryTransaction): Promise<readonly StoredSession[]> {
    if (client === undefined) this.#checkOpen()
    const all = this.#sessions.of(subject, client === undefined ? undefined : transactionOf(client).sessions)
    return all.filter(({ endedAt, endsAt, isRevoked }) => endedAt === null && !isRevoked && endsAt > nowMs)
  }

  async endSession(subject: string, id: string, nowMs: number, client: MemoryTransaction): Promise<boolean> {
    return this.#sessions.end(subject, id, nowMs, transactionOf(client).sessions)
  }

  pruneSessions(before: number, limit: number): Promise<number> {
    return this.transaction(async (client) => this.#sessions.prune(before, limit, transactionOf(client).sessions))
  }

  async readKeyPairs(): Promise<readonly KeyPairRecord[]> {
    this.#checkOpen()
    return this.#keyPairs
  }

  async changeKeyPairs(
    decide: (current: readonly KeyPairRecord[]) => readonly KeyPairRecord[],
  ): Promise<readonly KeyPairRecord[]> {
    return this.#writers.run(async () => {
      this.#checkOpen()
      const next = decide(this.#keyPairs)
      if (next === this.#keyPairs) return next
      this.#keyPairs = next
      this.#reportKeysChanged()
      return next
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#feeds.keys()].map((feed) => feed.close()))
  }

  /** Random, because no other store continues the history of this one. */
  get #history(): number {
    this.#historyNumber ??= randomInt(2 ** 47)
    return this.#historyNumber
  }

  #reportKeysChanged(): void {
    this.#newestVersion += 1
    this.#changes.set(KEYS_CHANGED, this.#newestVersion)
    this.#listeners.publish([{ tenant: KEYS_CHANGED, version: this.#newestVersion }])
  }

  #find(tenant: string, { draft }: MemoryTransaction): TenantRecord | undefined {
    return draft.has(tenant) ? draft.get(tenant) : this.#tenants.get(tenant)
  }

  #put(tenant: string, record: TenantRecord | undefined): void {
    for (const secret of this.#tenants.get(tenant)?.secrets ?? []) this.#owners.delete(secret.kid)
    for (const secret of record?.secrets ?? []) this.#owners.set(secret.kid, tenant)
    if (record === undefined) this.#tenants.delete(tenant)
    else this.#tenants.set(tenant, record)
  }

  #checkKids(tenant: string, state: TenantState | undefined): void {
    for (const { kid } of state?.secrets ?? []) {
      if ((this.#owners.get(kid) ?? tenant) !== tenant) throw new TypeError('This kid belongs to another tenant.')
    }
  }

  #checkOpen(): void {
    if (this.#closed) throw new LatchkeyError('store_closed')
  }
}

function transactionOf(client: MemoryTransaction): Transaction {
  if (!(client instanceof Transaction)) throw new TypeError('This client is no open transaction of a memory store.')
  return client
}

function isDue({ secrets }: TenantRecord, before: number): boolean {
  return secrets.some(({ retiresAt, createdAt }) => retiresAt === null && createdAt < before)
}
