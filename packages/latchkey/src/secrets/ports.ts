import type { Instant } from '../clock.js'
import type { HmacAlgorithm } from '../jws/algorithms.js'
import type { KeyPairRecord } from '../keys/key-pair-store.js'

/**
 * One stored version of one tenant's secret. It is encrypted, so that no store can read it (C7).
 */
export interface SecretRecord {
  /** The key ID in the header of a JWT; unique over all tenants and for all time. */
  readonly kid: string
  /** 1 for the tenant's first secret, then increasing by 1. */
  readonly generation: number
  readonly algorithm: HmacAlgorithm
  /** ID of the master key that encrypts it. */
  readonly masterKeyId: string
  /** The encrypted secret in base64url. */
  readonly sealed: string
  /** Milliseconds since 1970. */
  readonly createdAt: number
  /** Milliseconds since 1970 at which it stops verifying; `null` for the one that signs. */
  readonly retiresAt: number | null
  /** Whether its tokens are refused with `reissue_required`. */
  readonly reissueRequired: boolean
}

/** A session whose tokens are refused. */
export interface EndedSession {
  readonly sessionId: string
  /** Milliseconds since 1970 after which all its tokens have expired, so that it can be deleted. */
  readonly until: number
}

/**
 * Stored grants of a tenant: JSON encrypted under a master key, and bound to the tenant and to the
 * version of the same row. Grants of another tenant or of an earlier version do not decrypt there.
 */
export interface SealedGrants {
  /** ID of the master key that encrypts them. */
  readonly masterKeyId: string
  /** The encrypted JSON in base64url. */
  readonly sealed: string
}

/** Seals grants for the version that a change creates. The store calls it in that transaction. */
export type SealGrants = (version: number) => SealedGrants

/** The part of a tenant that the lifecycle decides. */
export interface TenantState {
  /** Milliseconds since 1970; `null` while enabled. */
  readonly disabledAt: number | null
  /**
   * Milliseconds since 1970 of the last change that ended every token of the tenant; `null` for
   * none. It ends legacy tokens, which no secret of the tenant has signed.
   */
  readonly revokedAt: number | null
  /**
   * Milliseconds since 1970 until which the ID of a deleted tenant is kept, so that its legacy
   * tokens stay refused; `null` for every other tenant.
   */
  readonly forgottenUntil: number | null
  /** At most one has `retiresAt` null. */
  readonly secrets: readonly SecretRecord[]
  readonly endedSessions: readonly EndedSession[]
  /** `null` for none. A function is called with the new version, and its result is stored. */
  readonly grants: SealedGrants | SealGrants | null
}

/** A tenant as a store returns it. */
export interface TenantRecord extends TenantState {
  readonly tenant: string
  readonly grants: SealedGrants | null
  /**
   * Assigned by the store; grows with every change, also when a deleted tenant is created again.
   */
  readonly version: number
}

/** A change that the feed reports. */
export interface Change {
  /** The tenant, or `KEYS_CHANGED`. */
  readonly tenant: string
  readonly version: number
}

/** Stands for the tenant in a change of settings or key pairs; no tenant has this ID. */
export const KEYS_CHANGED = ''

/** Receives the change feed. Its methods never throw and never wait. */
export interface ChangeListener {
  /**
   * This tenant has this version now. May be called twice, and before or after the writer's promise
   * resolves.
   */
  changed(change: Change): void
  /** Every change committed before `asOf` has been delivered (C4). */
  proved(asOf: Instant): void
  /** Changes may have been missed: data read before this call must not be used any more. */
  lost(): void
}

/** A process that caches tenants. */
export interface Verifier {
  /** A random ID, new for each start of the process. */
  readonly id: string
  /** Upper bound in milliseconds on the age of the data that it uses (C4). */
  readonly maxStalenessMs: number
}

/** The ordered stream that informs one verifier which tenants changed. */
export interface ChangeFeed {
  /** Checks the feed now instead of at the next interval; the listener receives the result. */
  check(): void
  close(): Promise<void>
}

/** Options of a change feed. */
export interface WatchOptions {
  /** The verifier in whose lease the feed records its acknowledgements. */
  readonly verifierId: string
  /**
   * The mean time between two checks in milliseconds: a third of `maxStaleness` or less, so that
   * one may be late.
   */
  readonly intervalMs: number
  /** Returns the current instant, or one long ago if a check that begins now must not count. */
  readonly instant: () => Instant
}

/**
 * Decides the new state of a tenant. Returns the same object for no change, and `undefined` to
 * delete the tenant. Must be pure: a store may call it again on a conflict.
 */
export type Decide = (current: TenantRecord | undefined) => TenantState | undefined

/** A sealed value that belongs to no tenant, such as the key that authenticates key IDs. */
export interface SealedSetting {
  readonly name: string
  readonly masterKeyId: string
  readonly sealed: string
}

/**
 * A point in the history of changes. Only points of one history can be compared: a database that
 * continues from an earlier state, such as a restored backup or a promoted replica that lagged,
 * assigns the same points to other changes.
 */
export interface HistoryPoint {
  /** Names the history. A larger number began later. */
  readonly history: number
  readonly lowWaterMark: number
}

/** The committed changes since a point of the history. */
export interface RecentChanges {
  /** Names the history, as in `HistoryPoint`. */
  readonly history: number
  /** The point: every change at or after it is included. */
  readonly since: number
  readonly changes: readonly Change[]
}

/** The time for which a store keeps data that has ended. */
export interface Retention {
  /**
   * The caller's clock in milliseconds since 1970. Where the database has its own clock, the one
   * that is behind counts.
   */
  readonly now: number
  /** Milliseconds for which retired secrets, ended sessions and deleted tenants outlast their end. */
  readonly keepMs: number
  /** Milliseconds for which changes stay in the log, by the database's clock. */
  readonly changeLogMs: number
}

/**
 * Stores the secrets of tenants. Implementations pass `latchkey/store-contract`.
 *
 * Every method fails with `store_unavailable` if the database cannot be reached and with
 * `store_busy` if other transactions block it, each with the cause attached, and with no other code
 * of its own.
 *
 * `Client` is the handle of an open transaction of this store, for callers that change their own
 * rows in the same transaction. Reads return committed data of the primary.
 */
export interface TenantStore<Client = unknown> {
  /** Returns the owners of these key IDs in one round trip; key IDs without an owner are absent. */
  readByKid(kids: readonly string[]): Promise<ReadonlyMap<string, TenantRecord>>
  /** Returns these tenants by ID in one round trip; unknown ones are absent. */
  readTenants(tenants: readonly string[]): Promise<ReadonlyMap<string, TenantRecord>>
  /**
   * Locks the tenant, calls `decide` with it, writes the result with a new version and informs the
   * change feed, all in one transaction (C5): the caller's if `client` is given, else one that is
   * durable when the promise resolves. An error of `decide` rolls it back.
   *
   * @returns the tenant afterwards; `undefined` if it does not exist
   */
  change(tenant: string, decide: Decide, client?: Client): Promise<TenantRecord | undefined>
  /** Runs `work` in a transaction that commits when it resolves and rolls back when it rejects. */
  transaction<T>(work: (client: Client) => Promise<T>): Promise<T>
  /** Starts the change feed. Resolves once changes committed from now on will be delivered. */
  watch(listener: ChangeListener, options: WatchOptions): Promise<ChangeFeed>
  /**
   * Returns a point in the history of changes: every transaction older than it has ended, so that
   * whatever it committed is visible to reads after this call. Points grow within one history. When
   * a newer history begins, `lost` of every listener of this store is called before any data of it
   * is returned, and data of an older history is refused with `store_unavailable`.
   */
  lowWaterMark(): Promise<HistoryPoint>
  /**
   * Returns the changes since a point that includes everything logged in the last `ageMs`
   * milliseconds by the database's clock, unless it was pruned.
   */
  changesSince(ageMs: number): Promise<RecentChanges>
  /**
   * Returns up to `limit` tenants whose signing secret was created before this time (milliseconds
   * since 1970), in the order of their IDs, after the ID `after`.
   */
  readDue(before: number, after: string, limit: number): Promise<readonly string[]>
  /** Returns how many tenants `readDue` would return in all. */
  countDue(before: number): Promise<number>
  /** Returns up to `limit` tenants with grants, in the order of their IDs, after the ID `after`. */
  readGranted(after: string, limit: number): Promise<readonly string[]>
  /**
   * Adds the verifier to the list of verifiers for this time by the database's clock, or extends
   * its lease. Durable when it resolves.
   */
  renewLease(verifier: Verifier, forMs: number): Promise<void>
  /** Removes the verifier from the list. */
  releaseLease(verifierId: string): Promise<void>
  /**
   * Requests that every verifier acknowledges the changes committed before this call. Each one does
   * so after its feed has delivered them to it.
   *
   * @returns the number of the request; a later request has a greater one
   */
  requestAcknowledgements(): Promise<number>
  /**
   * Returns the verifiers with a valid lease; with `request`, those of them that have acknowledged
   * neither this request nor a later one.
   */
  verifiers(request?: number): Promise<readonly Verifier[]>
  /**
   * Returns the setting of that name, the same one to all callers; if there is none, it is created
   * with `initial`.
   */
  setting(name: string, initial: () => SealedSetting): Promise<SealedSetting>
  /** Returns all settings. */
  readSettings(): Promise<readonly SealedSetting[]>
  /**
   * Replaces all settings by the result of `decide` in one transaction that excludes every other
   * change of them, and reports `KEYS_CHANGED` on the change feed. `decide` may be called again on
   * a conflict; if it returns the same array, nothing is written.
   *
   * @returns the new settings
   */
  changeSettings(
    decide: (current: readonly SealedSetting[]) => readonly SealedSetting[],
  ): Promise<readonly SealedSetting[]>
  /** Adds to the number of values that this master key has encrypted. */
  countSeals(masterKeyId: string, count: number): Promise<void>
  /** Returns the counted encryptions of each master key by its ID. */
  sealCounts(): Promise<ReadonlyMap<string, number>>
  /** Returns the IDs of the master keys that encrypt anything stored here. */
  masterKeyIds(): Promise<readonly string[]>
  /**
   * Encrypts up to `limit` secrets, grants, settings and key pairs again that are not under
   * `masterKeyId`. Versions do not change, because the values stay the same.
   *
   * @returns how many it changed; 0 when none is left
   */
  reseal(masterKeyId: string, limit: number, reseal: Resealer): Promise<number>
  /**
   * Deletes data that no verifier needs any more: secrets, ended sessions, deleted tenants and
   * leases past their time, and the oldest part of the change log. Clocks do not matter:
   * `changesSince` never begins before a deleted change.
   */
  prune(retention: Retention): Promise<void>
  close(): Promise<void>
}

/** Encrypts rows again under the newest master key. */
export interface Resealer {
  secret(tenant: string, record: SecretRecord): Pick<SecretRecord, 'masterKeyId' | 'sealed'>
  grants(tenant: string, version: number, sealed: SealedGrants): SealedGrants
  setting(record: SealedSetting): SealedSetting
  keyPair(record: KeyPairRecord): Pick<KeyPairRecord, 'masterKeyId' | 'sealed'>
}

/** An entry of a shared cache: a value that only this library can decrypt, under its key ID. */
export interface SharedCacheEntry {
  readonly kid: string
  /** The version of the tenant in the value. */
  readonly version: number
  /** Encrypted and bound to the key ID, so that a changed or moved value is useless. */
  readonly value: string
}

/**
 * A cache that processes share (L2), such as Redis. It is not trusted: if it is slow, unreachable,
 * empty, rolled back or forged, it changes the speed of an answer and never the answer (C6). Its
 * methods never reject; a failure is a miss.
 */
export interface SharedCache {
  /**
   * The longest lifetime of an entry in milliseconds: at most half an hour, because the log that
   * identifies stale entries is kept for an hour.
   */
  readonly ttlMs: number
  /** Returns the values of these key IDs in one round trip. */
  read(kids: readonly string[]): Promise<ReadonlyMap<string, string>>
  /** Stores these entries, unless a newer version is stored already. */
  write(entries: readonly SharedCacheEntry[]): Promise<void>
  close(): Promise<void>
}
