import { BoundedMap, type Evictable, maxCapacity } from '../bounded-map.js'
import { checkWhole } from '../check-whole.js'
import { decodeGrants, encodeGrants, type Grants, type GrantsInput } from '../claims/grants.js'
import { checkSessionId } from '../claims/session-id.js'
import { type Clock, systemClock } from '../clock.js'
import { endRetentionMs } from '../clock-tolerance.js'
import { isLatchkeyError, LatchkeyError, refusal } from '../errors.js'
import { type HmacAlgorithm, isHmacAlgorithm } from '../jws/algorithms.js'
import type { DoubtListener, KeySource, SigningKey, VerifyingKey } from '../keys/key-source.js'
import type { MaybePromise } from '../maybe-promise.js'
import { Keyring } from '../sealing/keyring.js'
import { readHeader } from '../secrets/canonical-header.js'
import { type GrantsPlace, GrantsSealer } from '../secrets/grants-sealer.js'
import { KidIssuer } from '../secrets/kid-issuer.js'
import * as lifecycle from '../secrets/lifecycle.js'
import type {
  ChangeFeed,
  SealedGrants,
  SecretRecord,
  SharedCache,
  TenantRecord,
  TenantState,
  TenantStore,
} from '../secrets/ports.js'
import { SecretSealer } from '../secrets/secret-sealer.js'
import { type StoredKey, StoredKeys } from '../secrets/stored-keys.js'
import { checkTenantId } from '../secrets/tenant-id.js'
import { SharedCacheSealer } from '../tenants/shared-cache-sealer.js'
import { SharedTenants } from '../tenants/shared-tenants.js'
import type { CachedTenant, TenantKey } from '../tenants/tenant-key.js'
import { TenantResolver } from '../tenants/tenant-resolver.js'
import { VerifierLease } from '../tenants/verifier-lease.js'
import { waitForAcknowledgements } from '../tenants/wait-for-acknowledgements.js'
import { checkSealed, type SealedCheck } from '../upkeep/check-sealed.js'
import { type ReplaceKeysOptions, replaceKeys } from '../upkeep/replace-keys.js'
import { type RewrapOptions, rewrap } from '../upkeep/rewrap.js'
import { type RotateAllOptions, RotationOfAll, type RotationSteps, type TenantsRotation } from '../upkeep/rotate-all.js'

/** Options of `tenantSecrets`. */
export interface TenantSecretsOptions<Client = unknown> {
  /** Where the sealed secrets are kept. The caller closes it, after these keys. */
  readonly store: TenantStore<Client>
  /** A cache that processes share, such as `redisCache`: fewer reads of the store. It is not trusted. The caller closes it, after these keys. */
  readonly cache?: SharedCache | undefined
  /** Master keys as `id:base64url,id:base64url` of 32 bytes each, newest first: the first seals, all open. Without any, a TypeError says how to make one. */
  readonly masterKeys: string | undefined
  /** What new secrets sign with; existing ones keep theirs until they are rotated. Default `HS256`. */
  readonly algorithm?: HmacAlgorithm
  /** Seconds for which a rotated secret goes on verifying. Default 3600. */
  readonly gracePeriod?: number
  /** Milliseconds after which knowledge of a tenant is no longer believed (C4). 250 to 60,000; default 2000. */
  readonly maxStaleness?: number
  /**
   * Longest lifetime in seconds that a token may be given. An ended session is remembered for so long, and for 1,000 s more because clocks differ, so that processes which
   * share a store must agree on it. Default 86,400.
   */
  readonly maxTokenTtl?: number
  /** Tenants kept in memory at most. 1 to 10,000,000; default 100,000. */
  readonly maxTenants?: number
  /** Called when the change feed begins to vouch for what is in memory, and when it ceases to: verifying then costs a read per tenant and `maxStaleness`. */
  readonly onFeedChange?: (isFresh: boolean) => void
  /** Where time comes from; the machine's clocks by default. */
  readonly clock?: Clock
}

/** Options of a change. */
export interface ChangeOptions<Client> {
  /** The handle of an open transaction of the store: the change commits or rolls back with it. Without one the change is durable when its promise resolves. */
  readonly client?: Client
}

/** Options of a change that ends tokens. */
export interface EndingOptions<Client> extends ChangeOptions<Client> {
  /**
   * Resolve only when no process can accept what was ended, whatever has failed: every living one has said that it has heard of it, which takes milliseconds on
   * PostgreSQL; or has had its `maxStaleness`, after which it believes nothing it knew (C4). Not together with `client`: nothing is committed yet then.
   * Default false: in this process at once.
   */
  readonly everywhere?: boolean
}

/** What may be known of a secret: never the secret. */
export type SecretDescription = Omit<SecretRecord, 'sealed'>

/** What may be known of a tenant. Times in milliseconds since 1970. */
export interface TenantDescription extends Omit<TenantRecord, 'secrets' | 'grants'> {
  readonly secrets: readonly SecretDescription[]
  /** What the tenant may do now. */
  readonly grants: Grants
}

/**
 * A signing secret for every tenant. Changes throw `tenant_invalid`, `store_unavailable`, `master_key_missing`, and what each one
 * names; they hold in this process when they resolve and in every other within `maxStaleness`.
 */
export interface TenantSecrets<Client = unknown> extends KeySource {
  /** Connects, checks the master keys and starts the change feed; everything else does so at its first use. Throws `master_key_missing`, `master_key_wrong`, `schema_missing`, `schema_too_new`, `store_unavailable`. */
  ready(): Promise<void>
  /** Gives the tenant a secret if it has none. Throws `tenant_inactive`. */
  provision(tenant: string, options?: ChangeOptions<Client>): Promise<void>
  /** A new secret signs from now on; the old one verifies until the grace period ends; nobody is logged out. Throws `tenant_unknown`, `tenant_inactive`, `too_many_rotations`. */
  rotate(tenant: string, options?: ChangeOptions<Client>): Promise<void>
  /** Every token of the tenant is dead; it can sign in again at once. Throws `tenant_unknown`. */
  revoke(tenant: string, options?: EndingOptions<Client>): Promise<void>
  /** The tokens of one session are dead; the tenant's other sessions go on. Throws `tenant_unknown`. */
  revokeSession(tenant: string, sessionId: string, options?: EndingOptions<Client>): Promise<void>
  /** Claims have changed: tokens issued before are answered with `reissue_required`; a refresh gives one that holds. Throws `tenant_unknown`, `tenant_inactive`. */
  requireReissue(tenant: string, options?: EndingOptions<Client>): Promise<void>
  /**
   * Replaces what the tenant may do: all of its tokens, those issued before included, have these `auth.grants` from now
   * on, in this process at once and in every other like any change. No token is issued anew. `null` and `{}` take
   * everything away. Grants outlive `rotate`, `revoke`, `disable` and `enable`; `forget` deletes them.
   *
   * @param grants A plain JSON object of at most 1 KiB: `roles` (a list), `scope` (a text, RFC 6749 §3.3), and any other
   * member of the application's own.
   * @throws `tenant_unknown`; TypeError for grants that JSON cannot hold as they are, or that are too large.
   * @example
   * await keys.setGrants(user.id, { roles: ['editor'], scope: 'posts:read posts:write' })
   */
  setGrants(tenant: string, grants: GrantsInput | null, options?: EndingOptions<Client>): Promise<void>
  /** Every token is dead and none can be issued until `enable`. Throws `tenant_unknown`. */
  disable(tenant: string, options?: EndingOptions<Client>): Promise<void>
  /** Ends `disable`; tokens from before stay dead. Throws `tenant_unknown`. */
  enable(tenant: string, options?: ChangeOptions<Client>): Promise<void>
  /** Deletes the tenant and its secrets: nothing can verify again. A tenant that does not exist is forgotten already. */
  forget(tenant: string, options?: EndingOptions<Client>): Promise<void>
  /**
   * Resolves when no process can accept any more what a change ended that was committed before this call: what `everywhere` waits for, for changes in a transaction of the
   * caller's. Every living process, this one included, has said that it has heard of it, or has had its `maxStaleness`.
   */
  waitForPropagation(): Promise<void>
  /** Versions, dates, IDs and grants, read from the store; `undefined` when there is no such tenant. */
  describe(tenant: string): Promise<TenantDescription | undefined>
  /**
   * Rotates everybody whose signing secret is older than a date, at a bounded rate; nobody is logged out. It runs on until it is done, stopped, or these keys
   * are closed, and waits while the store is away. Throws a TypeError for options that cannot be meant.
   */
  rotateAll(options?: RotateAllOptions): TenantsRotation
  /** Seals everything under the newest master key, in small steps that may be interrupted and called again; gives how many values it moved. */
  rewrap(options?: RewrapOptions): Promise<number>
  /**
   * A key of 32 random bytes that all processes on the store share, for a use of the caller's own, as `make` turns each version of it
   * into what is used. Made at its first use, kept in the store sealed under the master key, and replaced by `replaceKeys`. A name is never changed. Throws
   * `master_key_missing`, `master_key_wrong`.
   */
  storedKey<T>(name: string, make: (bytes: Uint8Array) => T): Promise<StoredKey<T>>
  /**
   * Resolves once the stored keys are known as they are now; `undefined` when they are, which is nearly always. To be awaited before a
   * stored key accepts or makes anything that is not an access token. Fails with `store_unavailable`.
   */
  ensureKeys(): Promise<void> | undefined
  /**
   * After a leak of the master key, or of a copy of the store together with it: replaces every stored key and every tenant's secret, so that nothing made with the old ones
   * is accepted in any process when it resolves. Everybody has to sign in again. It may be stopped, or killed, and called again, beside
   * running processes, in any of them. Returns how many tenants got a new secret. The newest master key, which must not be the one that leaked, seals the new keys.
   */
  replaceKeys(options?: ReplaceKeysOptions): Promise<number>
  /**
   * About how many values each master key has encrypted, by its ID: counted by all processes, each of which adds to the count when it prunes and when it is closed. By NIST
   * SP 800-38D §8.3 a key may encrypt 2^32; add a new one to the ring long before that.
   */
  encryptions(): Promise<ReadonlyMap<string, number>>
  /** Opens every stored secret, to find out whether all can be opened, and which master keys are still needed. It reads everything, so it is for now and then. */
  checkSealed(): Promise<SealedCheck>
  /** Deletes what no verifier needs any more. Call it now and then, about hourly. */
  prune(): Promise<void>
  /** Milliseconds since the change feed last proved itself complete; Infinity while it does not vouch for anything. */
  readonly feedAgeMs: number
}

/**
 * The key source with a secret per tenant. Opens nothing until it is used. Throws a TypeError for options that cannot be meant.
 *
 * @example
 * const keys = tenantSecrets({ store: memoryStore(), masterKeys: process.env.LATCHKEY_MASTER_KEYS })
 */
export function tenantSecrets<Client = unknown>(options: TenantSecretsOptions<Client>): TenantSecrets<Client> {
  return new TenantSecretSource(options)
}

/** Attempts to sign for a tenant whose secret keeps being ended, before the answer is 503. */
const maxAttempts = 3

/** Kids that were minted here and have ended, remembered so that an old token costs one read in all. */
const maxEndedKids = 10_000

/** Changes are logged for this long, so that a feed which polls can catch up. */
const changeLogMs = 3_600_000

/** Proofs of the feed per `maxStaleness`: one may be late, or lost, before knowledge goes stale. */
const proofsPerStaleness = 4

type Decision = (current: TenantRecord | undefined, context: lifecycle.LifecycleContext) => TenantState | undefined

/** What exists once the store has been reached. */
interface Opened {
  readonly kids: StoredKey<KidIssuer>
  readonly sealer: SecretSealer
  readonly grants: GrantsSealer
  readonly cacheSealer: SharedCacheSealer
  readonly feed: ChangeFeed
}

class TenantSecretSource<Client> implements TenantSecrets<Client> {
  readonly maxTokenTtl: number
  readonly #store: TenantStore<Client>
  readonly #keyring: Keyring
  readonly #algorithm: HmacAlgorithm
  readonly #graceMs: number
  readonly #clock: Clock
  readonly #maxStalenessMs: number
  readonly #lease: VerifierLease
  readonly #storedKeys: StoredKeys
  readonly #known: TenantResolver
  readonly #endedKids = new BoundedMap<string, Evictable>(maxEndedKids)
  readonly #rotations = new Set<TenantsRotation>()
  #opening: Promise<Opened> | undefined
  #opened: Opened | undefined
  #closed = false

  constructor(options: TenantSecretsOptions<Client>) {
    const { store, clock = systemClock, maxStaleness = 2000 } = options
    this.maxTokenTtl = checkWhole('maxTokenTtl', options.maxTokenTtl ?? 86_400, 1, 31_536_000)
    if (store === undefined) throw new TypeError('store is missing: give postgresStore, sqliteStore or memoryStore.')
    this.#store = store
    this.#keyring = Keyring.parse(options.masterKeys)
    this.#algorithm = checkAlgorithm(options.algorithm ?? 'HS256')
    this.#graceMs = checkWhole('gracePeriod', options.gracePeriod ?? 3600, 0, 31_536_000) * 1000
    this.#maxStalenessMs = checkWhole('maxStaleness', maxStaleness, 250, 60_000)
    this.#clock = clock
    this.#lease = new VerifierLease({ store, maxStalenessMs: maxStaleness, clock })
    const known = {
      store,
      lease: this.#lease,
      maxTenants: checkWhole('maxTenants', options.maxTenants ?? 100_000, 1, maxCapacity),
      maxStalenessMs: maxStaleness,
      clock,
      open: (tenant: string, record: SecretRecord) => this.#reached().sealer.open(tenant, record),
      openGrants: (place: GrantsPlace, sealed: SealedGrants) => this.#reached().grants.open(place, sealed),
      isReplaced: (kid: string) => this.#isReplaced(kid),
      onKeysChange: () => this.#storedKeys.invalidate(),
      onFeedChange: options.onFeedChange,
    }
    this.#known = new TenantResolver(known, (isFeedFresh) => this.#sharedTenants(options, isFeedFresh))
    this.#storedKeys = new StoredKeys({
      store,
      keyring: this.#keyring,
      lease: this.#lease,
      covers: (readAt) => this.#known.covers(readAt),
      onChange: () => this.#known.forgetAll(),
      nowMs: () => clock.now(),
    })
  }

  get feedAgeMs(): number {
    return this.#known.feedAgeMs
  }

  async ready(): Promise<void> {
    await this.#open()
  }

  signingKey(subject: string): MaybePromise<SigningKey> {
    checkTenantId(subject)
    const known = this.#storedKeys.isStale ? undefined : this.#known.find(subject)
    const key = known === undefined ? undefined : signingKeyOf(known)
    return key ?? this.#readSigningKey(subject)
  }

  verifyingKey(headerSegment: string): MaybePromise<VerifyingKey> {
    const known = this.#storedKeys.isStale ? undefined : this.#known.findByHeader(headerSegment)
    if (known !== undefined) return known
    const { algorithm, kid } = readHeader(headerSegment)
    if (this.#opened === undefined) return this.#open().then(() => this.#keyNamed(kid, algorithm))
    return this.#keyNamed(kid, algorithm)
  }

  provision(tenant: string, options?: ChangeOptions<Client>): Promise<void> {
    return this.#change(tenant, lifecycle.provision, options)
  }

  rotate(tenant: string, options?: ChangeOptions<Client>): Promise<void> {
    return this.#change(tenant, lifecycle.rotate, options)
  }

  revoke(tenant: string, options?: EndingOptions<Client>): Promise<void> {
    return this.#change(tenant, lifecycle.revoke, options)
  }

  async revokeSession(tenant: string, sessionId: string, options?: EndingOptions<Client>): Promise<void> {
    checkSessionId(sessionId)
    await this.#change(tenant, (current, context) => lifecycle.endSession(current, sessionId, context), options)
  }

  requireReissue(tenant: string, options?: EndingOptions<Client>): Promise<void> {
    return this.#change(tenant, lifecycle.requireReissue, options)
  }

  async setGrants(tenant: string, grants: GrantsInput | null, options?: EndingOptions<Client>): Promise<void> {
    checkTenantId(tenant)
    const text = encodeGrants(grants)
    const { grants: sealer } = await this.#open()
    const seal = text === undefined ? null : (version: number) => sealer.seal({ tenant, version }, text)
    await this.#change(
      tenant,
      (current) => (text === openGrants(sealer, current) ? current : lifecycle.setGrants(current, seal)),
      options,
    )
  }

  disable(tenant: string, options?: EndingOptions<Client>): Promise<void> {
    return this.#change(tenant, lifecycle.disable, options)
  }

  enable(tenant: string, options?: ChangeOptions<Client>): Promise<void> {
    return this.#change(tenant, lifecycle.enable, options)
  }

  forget(tenant: string, options?: EndingOptions<Client>): Promise<void> {
    return this.#change(tenant, () => undefined, options)
  }

  watch(doubted: DoubtListener): () => void {
    return this.#known.watch(doubted)
  }

  async waitForPropagation(): Promise<void> {
    const { feed } = await this.#open()
    const own = this.#lease.verifier
    const ask = (heard: (verifierId: string) => void) => {
      const stopAsking = feed.ask?.(heard)
      // Where the feed cannot answer for this process, its next proof does.
      const stopWaiting = this.#known.whenProved(() => heard(own.id))
      feed.check?.()
      return () => {
        stopAsking?.()
        stopWaiting()
      }
    }
    await waitForAcknowledgements({ store: this.#store, feed: { ask }, own, hasApplied: false })
  }

  async describe(tenant: string): Promise<TenantDescription | undefined> {
    checkTenantId(tenant)
    const { grants: sealer } = await this.#open()
    const record = (await this.#store.readTenants([tenant])).get(tenant)
    if (record === undefined) return undefined
    const grants = decodeGrants(record.grants === null ? undefined : sealer.open(record, record.grants))
    return { ...record, grants, secrets: record.secrets.map(({ sealed, ...described }) => described) }
  }

  rotateAll(options: RotateAllOptions = {}): TenantsRotation {
    const steps: RotationSteps = {
      readDue: async (before, after, limit) => {
        await this.#open()
        return this.#store.readDue(before, after, limit)
      },
      countDue: async (before) => {
        await this.#open()
        return this.#store.countDue(before)
      },
      rotateIfDue: (tenant, before) => this.#rotateIfDue(tenant, before),
      nowMs: () => this.#clock.now(),
    }
    const rotation = new RotationOfAll(steps, options)
    this.#rotations.add(rotation)
    const forget = () => void this.#rotations.delete(rotation)
    rotation.done.then(forget, forget)
    return rotation
  }

  async rewrap(options: RewrapOptions = {}): Promise<number> {
    const { sealer: secrets, grants } = await this.#open()
    return rewrap(this.#store, this.#keyring, { secrets, grants }, options)
  }

  async storedKey<T>(name: string, make: (bytes: Uint8Array) => T): Promise<StoredKey<T>> {
    await this.#open()
    return this.#storedKeys.key(name, make)
  }

  ensureKeys(): Promise<void> | undefined {
    return this.#opened === undefined ? this.#open().then(() => {}) : this.#storedKeys.ensure()
  }

  async replaceKeys(options: ReplaceKeysOptions = {}): Promise<number> {
    await this.#open()
    const replacement = {
      store: this.#store,
      keys: this.#storedKeys,
      waitForPropagation: () => this.waitForPropagation(),
      replaceSecrets: (tenants: readonly string[]) => this.#replaceSecrets(tenants),
    }
    return replaceKeys(replacement, options)
  }

  async encryptions(): Promise<ReadonlyMap<string, number>> {
    await this.#open()
    await this.#countSeals()
    return this.#store.sealCounts()
  }

  async checkSealed(): Promise<SealedCheck> {
    const { sealer: secrets, grants } = await this.#open()
    return checkSealed(this.#store, { secrets, grants })
  }

  async prune(): Promise<void> {
    await this.#open()
    // A retired secret is kept for as long as a token of it can be alive, so that its bearer is told to refresh.
    await this.#store.prune({ now: this.#clock.now(), keepMs: endRetentionMs(this.maxTokenTtl), changeLogMs })
    await this.#countSeals()
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const rotation of this.#rotations) rotation.stop()
    this.#known.close()
    // A failed opening left nothing to close.
    const opened = await this.#opening?.catch(() => undefined)
    await opened?.feed.close()
    // A few that are not counted do no harm.
    if (opened !== undefined) await this.#countSeals().catch(() => {})
    if (opened !== undefined) await this.#lease.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #keyNamed(kid: string, algorithm: HmacAlgorithm): MaybePromise<VerifyingKey> {
    const reading = this.#storedKeys.ensure()
    return reading === undefined ? this.#keyNow(kid, algorithm) : reading.then(() => this.#keyNow(kid, algorithm))
  }

  /** To be called while the stored keys are known. */
  #keyNow(kid: string, algorithm: HmacAlgorithm): MaybePromise<VerifyingKey> {
    this.#checkKid(kid)
    const ended = this.#endedKids.get(kid)
    if (ended !== undefined) {
      ended.recentlyUsed = true
      throw refusal('token_revoked')
    }
    const known = this.#known.findByKid(kid)
    return known === undefined ? this.#readKey(kid, algorithm) : checkAlgorithmOf(known, algorithm)
  }

  async #readKey(kid: string, algorithm: HmacAlgorithm): Promise<VerifyingKey> {
    const owner = await this.#known.readOwner(kid)
    // The key that the kid rests on may have been replaced meanwhile.
    await this.#storedKeys.ensure()
    this.#checkKid(kid)
    const key = owner?.keys.find((candidate) => candidate.kid === kid)
    if (key === undefined) {
      this.#endedKids.set(kid, { recentlyUsed: false })
      throw refusal('token_revoked')
    }
    return checkAlgorithmOf(key, algorithm)
  }

  async #readSigningKey(tenant: string): Promise<SigningKey> {
    await this.#open()
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      await this.#storedKeys.ensure()
      const read = await this.#known.read(tenant)
      const key = read === undefined ? undefined : signingKeyOf(read)
      if (key !== undefined) return key
      await this.provision(tenant).catch(ignoreInactive)
    }
    throw refusal('store_unavailable')
  }

  async #change(tenant: string, decide: Decision, { client, everywhere }: EndingOptions<Client> = {}): Promise<void> {
    checkTenantId(tenant)
    if (client !== undefined && everywhere === true) {
      throw new TypeError(
        'everywhere waits from the commit on: in a transaction of yours, call waitForPropagation() after it.',
      )
    }
    const { sealer, feed, grants } = await this.#open()
    await this.#storedKeys.ensure()
    const context: lifecycle.LifecycleContext = {
      nowMs: this.#clock.now(),
      graceMs: this.#graceMs,
      retentionMs: endRetentionMs(this.maxTokenTtl),
      mint: (generation) => sealer.mint(tenant, generation, this.#clock.now()),
    }
    const after = await this.#store.change(
      tenant,
      (current) => carryGrants(grants, current, decide(this.#withoutReplaced(current, context), context)),
      client,
    )
    // In the caller's transaction nothing has happened yet: the feed tells when it has.
    if (client === undefined) this.#known.changed({ tenant, version: after?.version ?? Number.POSITIVE_INFINITY })
    if (everywhere === true) {
      await waitForAcknowledgements({ store: this.#store, feed, own: this.#lease.verifier, hasApplied: true })
    }
  }

  /** The tenant with a new secret in the place of those that rest on a replaced key; the same one when none does. */
  #withoutReplaced(current: TenantRecord | undefined, context: lifecycle.LifecycleContext): TenantRecord | undefined {
    if (current?.secrets.some(({ kid }) => this.#isReplaced(kid)) !== true) return current
    return { ...current, ...lifecycle.revoke(current, context), grants: current.grants }
  }

  async #replaceSecrets(tenants: readonly string[]): Promise<number> {
    await this.#storedKeys.ensure()
    const records = await this.#store.readTenants(tenants)
    const due = tenants.filter((tenant) => records.get(tenant)?.secrets.some(({ kid }) => this.#isReplaced(kid)))
    if (due.length === 0) return 0
    await this.#store.transaction(async (client) => {
      for (const tenant of due) await this.#change(tenant, (current) => current, { client })
    })
    return due.length
  }

  async #countSeals(): Promise<void> {
    const count = this.#keyring.takeSealCount()
    if (count > 0) await this.#store.countSeals(this.#keyring.newestId, count)
  }

  #isReplaced(kid: string): boolean {
    return this.#opened?.kids.replaced?.recognises(kid) === true
  }

  #checkKid(kid: string): void {
    const { kids } = this.#reached()
    if (kids.accepted.some((issuer) => issuer.recognises(kid))) return
    throw refusal(kids.replaced?.recognises(kid) === true ? 'token_revoked' : 'kid_unknown')
  }

  async #rotateIfDue(tenant: string, before: number): Promise<boolean> {
    let hasRotated = false
    await this.#change(tenant, (current, context) => {
      const after = lifecycle.rotateIfDue(current, before, context)
      hasRotated = after !== current
      return after
    })
    return hasRotated
  }

  #sharedTenants(
    { store, cache }: TenantSecretsOptions<Client>,
    isFeedFresh: () => boolean,
  ): SharedTenants | undefined {
    if (cache === undefined) return undefined
    // Half, because the machines' clocks differ: what decides whether an entry is stale must still be in the log.
    if (!(cache.ttlMs <= changeLogMs / 2)) throw new TypeError('The cache keeps entries for half an hour at most.')
    const sealer = () => this.#reached().cacheSealer
    return new SharedTenants({ cache, store, keyring: this.#keyring, sealer, isFeedFresh })
  }

  async #open(): Promise<Opened> {
    if (this.#closed) throw refusal('store_closed')
    this.#opening ??= this.#openStore()
    try {
      this.#opened = await this.#opening
      return this.#opened
    } catch (error) {
      this.#opening = undefined
      throw error
    }
  }

  async #openStore(): Promise<Opened> {
    const masterKeyIds = await this.#store.masterKeyIds()
    if (!masterKeyIds.every((id) => this.#keyring.has(id))) throw new LatchkeyError('master_key_missing')
    // Before anything is learnt that may be believed.
    await this.#lease.start()
    const feed = await this.#store.watch(this.#known, {
      verifierId: this.#lease.verifier.id,
      intervalMs: this.#maxStalenessMs / proofsPerStaleness,
      instant: this.#lease.instant,
    })
    try {
      // After the feed has begun, so that no replacement of a key is missed.
      const kids = await this.#storedKeys.key('kid-key', (bytes) => new KidIssuer(bytes))
      const cacheKey = await this.#storedKeys.key('shared-cache-key', (bytes) => bytes)
      const sealer = new SecretSealer(this.#keyring, { mint: () => kids.current.mint() }, this.#algorithm)
      await this.#known.start()
      const grants = new GrantsSealer(this.#keyring)
      return { kids, sealer, grants, cacheSealer: new SharedCacheSealer(cacheKey), feed }
    } catch (error) {
      await feed.close()
      throw error
    }
  }

  /** For what happens only once the store has been reached. */
  #reached(): Opened {
    if (this.#opened === undefined) throw new LatchkeyError('store_closed')
    return this.#opened
  }
}

/** The JSON text of a tenant's grants; `undefined` when it has none, `null` when that cannot be found out. */
function openGrants(sealer: GrantsSealer, current: TenantRecord | undefined): string | undefined | null {
  if (current === undefined) return null
  if (current.grants === null) return undefined
  try {
    return sealer.open(current, current.grants)
  } catch {
    return null
  }
}

/**
 * Seals grants that a change keeps for the version that it makes. Those that cannot be opened stay as they are, and stay
 * closed: a tenant must be able to be revoked although its grants are damaged, and must not gain by that.
 */
function carryGrants(
  sealer: GrantsSealer,
  current: TenantRecord | undefined,
  next: TenantState | undefined,
): TenantState | undefined {
  if (current === undefined || next === undefined || next === current || next.grants !== current.grants) return next
  const text = openGrants(sealer, current)
  if (typeof text !== 'string') return next
  return { ...next, grants: (version) => sealer.seal({ tenant: current.tenant, version }, text) }
}

/** For a tenant that is being disabled: the next read refuses it. */
function ignoreInactive(error: unknown): void {
  if (!(isLatchkeyError(error) && error.code === 'tenant_inactive')) throw error
}

function signingKeyOf(cached: CachedTenant): TenantKey | undefined {
  if (cached.isDisabled) throw refusal('tenant_disabled')
  cached.recentlyUsed = true
  return cached.signingKey
}

/** The algorithm is the key's, and a token that names another is refused (C3). */
function checkAlgorithmOf(key: TenantKey, algorithm: HmacAlgorithm): TenantKey {
  if (key.algorithm !== algorithm) throw refusal('algorithm_refused')
  return key
}

function checkAlgorithm(algorithm: HmacAlgorithm): HmacAlgorithm {
  if (!isHmacAlgorithm(algorithm)) throw new TypeError('algorithm is HS256, HS384 or HS512.')
  return algorithm
}
