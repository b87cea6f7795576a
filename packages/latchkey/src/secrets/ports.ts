import type { Instant } from '../clock.js'
import type { HmacAlgorithm } from '../jws/algorithms.js'
import type { KeyPairRecord } from '../keys/key-pair-store.js'

/** One stored version of one tenant's secret. The secret itself is sealed (C7): no store ever sees it. */
export interface SecretRecord {
  /** Names this secret in a JWT header; unique over all tenants and for all time. */
  readonly kid: string
  /** 1 for the tenant's first secret, then counting up. */
  readonly generation: number
  readonly algorithm: HmacAlgorithm
  /** ID of the master key that seals it. */
  readonly masterKeyId: string
  /** The encrypted secret in base64url. */
  readonly sealed: string
  /** Milliseconds since 1970. */
  readonly createdAt: number
  /** Milliseconds since 1970 at which it stops verifying; `null` for the one secret that signs. */
  readonly retiresAt: number | null
  /** Its tokens are answered with `reissue_required` instead of being accepted. */
  readonly reissueRequired: boolean
}

/** A session whose tokens are refused. */
export interface EndedSession {
  readonly sessionId: string
  /** Milliseconds since 1970 after which no token of it can be alive, so that it may be forgotten. */
  readonly until: number
}

/**
 * A tenant's grants as they are stored: the JSON text under a master key, bound to the tenant and to the version that
 * the same row carries. Neither another tenant's grants nor those of an earlier version open in its place.
 */
export interface SealedGrants {
  /** ID of the master key that seals them. */
  readonly masterKeyId: string
  /** The encrypted JSON in base64url. */
  readonly sealed: string
}

/** Seals grants for the version that a change makes. Called by the store, inside the transaction of that change. */
export type SealGrants = (version: number) => SealedGrants

/** What the lifecycle decides about a tenant. */
export interface TenantState {
  /** Milliseconds since 1970, `null` while enabled. */
  readonly disabledAt: number | null
  /** At most one with `retiresAt` null. */
  readonly secrets: readonly SecretRecord[]
  readonly endedSessions: readonly EndedSession[]
  /** What the tenant may do; `null` for nothing. A function is called with the new version, and its result stored. */
  readonly grants: SealedGrants | SealGrants | null
}

/** A tenant as a store holds it. */
export interface TenantRecord extends TenantState {
  readonly tenant: string
  readonly grants: SealedGrants | null
  /** Grows with every change of this tenant, also over a forget and a new beginning. Assigned by the store. */
  readonly version: number
}

/** A change as the feed tells it. */
export interface Change {
  /** The tenant, or `KEYS_CHANGED`. */
  readonly tenant: string
  readonly version: number
}

/** Stands in a change for the tenant where settings or key pairs have changed; no tenant has this ID. */
export const KEYS_CHANGED = ''

/** What a verifier learns from the change feed. Calls never throw and never wait. */
export interface ChangeListener {
  /** This tenant has this version now. May arrive twice, and before or after the writer's own call returns. */
  changed(change: Change): void
  /** Every change committed before `asOf` has been delivered (C4). */
  proved(asOf: Instant): void
  /** Changes may have been missed: nothing read before this call may be believed. */
  lost(): void
}

/** Somebody who believes for a while what they know of tenants. */
export interface Verifier {
  /** Random, and of one life of one process. */
  readonly id: string
  /** The longest time in milliseconds for which it believes what it knows (C4). */
  readonly maxStalenessMs: number
}

/** The ordered stream that tells one verifier which tenants changed. */
export interface ChangeFeed {
  /**
   * Asks every verifier that watches the same data whether it was told of every change committed before this call; `heard` is called with the ID of each one
   * that was, the caller's own included. Some may never answer. Gives the way to end that. Absent where verifiers cannot answer each other.
   */
  readonly ask?: (heard: (verifierId: string) => void) => () => void
  /** Checks the feed now instead of at the next interval; the listener learns the outcome. Absent where `ask` does that. */
  readonly check?: () => void
  close(): Promise<void>
}

/** Who watches, and how often the feed proves itself. */
export interface WatchOptions {
  /** Whom `ask` names. */
  readonly verifierId: string
  /** Milliseconds between two checks; a third of `maxStaleness` or less keeps the proof from lapsing. */
  readonly intervalMs: number
  /** This moment by the verifier's own clocks, or long ago when it could not believe a check that begins now. */
  readonly instant: () => Instant
}

/** The new state of a tenant; the same object for "no change"; `undefined` to delete it. Pure: a store may call it again on a conflict. */
export type Decide = (current: TenantRecord | undefined) => TenantState | undefined

/** A sealed value that belongs to no tenant, such as the key that authenticates kids. */
export interface SealedSetting {
  readonly name: string
  readonly masterKeyId: string
  readonly sealed: string
}

/**
 * A point in the history of changes. Points of one history can be compared, and those of two histories cannot: a database that continues from an earlier state,
 * as after the promotion of a replica that lagged or after a restore, gives the same points to other changes.
 */
export interface HistoryPoint {
  /** Names the history. A greater one began later. */
  readonly history: number
  readonly lowWaterMark: number
}

/** The committed changes since a point of the history. */
export interface RecentChanges {
  /** Names the history, as in `HistoryPoint`. */
  readonly history: number
  /** The point: no change that is not older than it is missing. */
  readonly since: number
  readonly changes: readonly Change[]
}

/** For how long a store keeps what has ended. Milliseconds. */
export interface Retention {
  /** The caller's clock, since 1970. Where the database has a clock of its own, the one that is behind counts. */
  readonly now: number
  /** For how long retired secrets and ended sessions are kept after their time. */
  readonly keepMs: number
  /** For how long changes stay in the log, by the database's clock. */
  readonly changeLogMs: number
}

/**
 * Where tenants' secrets are kept. Implementations pass `latchkey/store-contract`.
 * Every method fails with `store_unavailable` (cause attached) when the database cannot be reached, with `store_busy` (cause attached) when other
 * transactions are in the way, and nothing else of its own.
 * `Client` is the handle of an open transaction of this store, for callers that change their own rows in the same one.
 */
export interface TenantStore<Client = unknown> {
  /** The tenants that own these kids; kids that nobody owns are absent. One round trip. Reads committed data of the primary. */
  readByKid(kids: readonly string[]): Promise<ReadonlyMap<string, TenantRecord>>
  /** These tenants, by ID; unknown ones are absent. One round trip. Reads committed data of the primary. */
  readTenants(tenants: readonly string[]): Promise<ReadonlyMap<string, TenantRecord>>
  /**
   * Locks the tenant, lets `decide` see it, writes what it returns with a new version and tells the change feed, all in
   * one transaction (C5): the caller's when `client` is given, else one of its own that is durable when the promise resolves.
   * Gives the tenant as it is afterwards; `undefined` when it does not exist (any more). What `decide` throws rolls back.
   */
  change(tenant: string, decide: Decide, client?: Client): Promise<TenantRecord | undefined>
  /** Runs `work` in one transaction: committed when it resolves, rolled back when it rejects. */
  transaction<T>(work: (client: Client) => Promise<T>): Promise<T>
  /** Starts telling `listener`. Resolves when changes committed from now on will be told. */
  watch(listener: ChangeListener, options: WatchOptions): Promise<ChangeFeed>
  /**
   * A point in the history of changes: whatever is older than it has ended, so that all that was committed of it is in everything
   * that is read after this call. Points grow within one history. Where a newer history begins, every listener of this store is called with `lost` before
   * anything that was read from it is returned, and what comes from an older one is refused with `store_unavailable`.
   */
  lowWaterMark(): Promise<HistoryPoint>
  /**
   * The changes since a point that is chosen so that everything logged in the last `ageMs` milliseconds, by the database's clock, is among them, unless it was
   * pruned. No change at or behind the point is missing.
   */
  changesSince(ageMs: number): Promise<RecentChanges>
  /** Up to `limit` tenants whose signing secret was made before this time (ms since 1970), in the order of their IDs, after `after`. */
  readDue(before: number, after: string, limit: number): Promise<readonly string[]>
  /** How many tenants `readDue` would give in all. */
  countDue(before: number): Promise<number>
  /** Returns up to `limit` tenants that have grants, in the order of their IDs, after `after`. */
  readGranted(after: string, limit: number): Promise<readonly string[]>
  /** Puts the verifier on the list of those who may believe something, for so long by the database's clock, or keeps it there. Durable when it resolves. */
  register(verifier: Verifier, forMs: number): Promise<void>
  /** Takes it off that list. */
  unregister(verifierId: string): Promise<void>
  /** The list as it is now. Reads committed data of the primary. */
  verifiers(): Promise<readonly Verifier[]>
  /** The setting of that name, written first with `initial` if there is none. Every caller gets the same one. */
  setting(name: string, initial: () => SealedSetting): Promise<SealedSetting>
  /** All settings. Reads committed data of the primary. */
  readSettings(): Promise<readonly SealedSetting[]>
  /**
   * Replaces all settings with what `decide` makes of them, in one transaction that excludes every other change of them, and
   * reports `KEYS_CHANGED` on the change feed; returns the new ones. `decide` may be called again on a conflict; returning the same array writes nothing.
   */
  changeSettings(
    decide: (current: readonly SealedSetting[]) => readonly SealedSetting[],
  ): Promise<readonly SealedSetting[]>
  /** Adds to the number of values that this master key has sealed. */
  countSeals(masterKeyId: string, count: number): Promise<void>
  /** How many values each master key has sealed, by its ID, as far as that was counted. */
  sealCounts(): Promise<ReadonlyMap<string, number>>
  /** The IDs of the master keys that seal anything stored here. */
  masterKeyIds(): Promise<readonly string[]>
  /**
   * Re-seals up to `limit` secrets, grants, settings and key pairs that are not sealed under `masterKeyId`, and gives how
   * many it changed; 0 when none is left. Versions do not move: the values stay the same.
   */
  reseal(masterKeyId: string, limit: number, reseal: Resealer): Promise<number>
  /**
   * Deletes what no verifier needs any more: secrets, ended sessions and verifiers past their time, and the old end of the log of changes. Whatever the clocks
   * say, `changesSince` never begins before a change that was deleted.
   */
  prune(retention: Retention): Promise<void>
  close(): Promise<void>
}

/** Turns sealed rows into the same rows under the newest master key. */
export interface Resealer {
  secret(tenant: string, record: SecretRecord): Pick<SecretRecord, 'masterKeyId' | 'sealed'>
  grants(tenant: string, version: number, sealed: SealedGrants): SealedGrants
  setting(record: SealedSetting): SealedSetting
  keyPair(record: KeyPairRecord): Pick<KeyPairRecord, 'masterKeyId' | 'sealed'>
}

/** What a shared cache keeps: a value that only this library can read, under the kid that it is about. */
export interface SharedCacheEntry {
  readonly kid: string
  /** The version of the tenant that the value tells of. */
  readonly version: number
  /** Sealed, and bound to the kid: whoever changes it or moves it elsewhere makes it useless. */
  readonly value: string
}

/**
 * A cache that processes share (L2), such as Redis. It is not trusted: slow, away, emptied, rolled back to an old snapshot or forged, it
 * changes how fast an answer is, and never what it is (C6). No method rejects; what fails is a miss.
 */
export interface SharedCache {
  /** How long an entry is kept at most, in milliseconds; half an hour at most, because stale ones are told by a log that is kept for an hour. */
  readonly ttlMs: number
  /** The values kept for these kids. One round trip. */
  read(kids: readonly string[]): Promise<ReadonlyMap<string, string>>
  /** Keeps these entries, except where one of a newer version is kept already. */
  write(entries: readonly SharedCacheEntry[]): Promise<void>
  close(): Promise<void>
}
