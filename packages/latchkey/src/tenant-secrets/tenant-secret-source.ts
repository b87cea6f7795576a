import { checkWhole } from '../check-whole.js'
import type { GrantsInput } from '../claims/grants.js'
import { checkSessionId } from '../claims/session-id.js'
import { endRetentionMs } from '../clock-tolerance.js'
import type { FreshnessListener, LegacySource, SigningKey, VerifyingKey } from '../keys/key-source.js'
import type { MaybePromise } from '../maybe-promise.js'
import { readHeader } from '../secrets/canonical-header.js'
import * as lifecycle from '../secrets/lifecycle.js'
import type { StoredKey, StoredKeys } from '../secrets/stored-keys.js'
import { checkTenantId } from '../secrets/tenant-id.js'
import type { TenantResolver } from '../tenants/tenant-resolver.js'
import { type PropagationReport, waitForAcknowledgements } from '../tenants/wait-for-acknowledgements.js'
import type { SealedCheck } from '../upkeep/check-sealed.js'
import type { ReplaceKeysOptions } from '../upkeep/replace-keys.js'
import type { RewrapOptions } from '../upkeep/rewrap.js'
import type { RotateAllOptions, TenantsRotation } from '../upkeep/rotate-all.js'
import { KeyLookup, signingKeyOf } from './key-lookup.js'
import { LegacyLookup } from './legacy-lookup.js'
import { StoreSession } from './store-session.js'
import { type Decision, TenantChanges } from './tenant-changes.js'
import type { ChangeOptions, EndingOptions, TenantDescription, TenantSecrets } from './tenant-secrets-api.js'
import type { TenantSecretsOptions } from './tenant-secrets-options.js'
import { TenantUpkeep } from './tenant-upkeep.js'

/** The key source with a secret for every tenant. */
export class TenantSecretSource<Client> implements TenantSecrets<Client> {
  readonly maxTokenTtl: number
  readonly legacy: LegacySource | undefined
  readonly #session: StoreSession<Client>
  // The two parts of the session that every verification uses, one access nearer.
  readonly #resolver: TenantResolver
  readonly #storedKeys: StoredKeys
  readonly #lookup: KeyLookup
  readonly #changes: TenantChanges<Client>
  readonly #upkeep: TenantUpkeep

  constructor(options: TenantSecretsOptions<Client>) {
    this.maxTokenTtl = checkWhole('maxTokenTtl', options.maxTokenTtl ?? 86_400, 1, 31_536_000)
    const graceSec = checkWhole('gracePeriod', options.gracePeriod ?? 3600, 0, 31_536_000)
    this.#session = new StoreSession(this, options)
    this.#resolver = this.#session.resolver
    this.#storedKeys = this.#session.storedKeys
    this.#lookup = new KeyLookup(this.#session, (tenant) => this.provision(tenant))
    const { legacy } = options
    this.legacy =
      legacy === undefined
        ? undefined
        : new LegacyLookup({ tokens: legacy, session: this.#session, lookup: this.#lookup, keys: this })
    this.#changes = new TenantChanges(this.#session, {
      graceMs: graceSec * 1000,
      maxTokenTtl: this.maxTokenTtl,
      legacyUntilMs: legacy === undefined ? undefined : legacy.untilMs + endRetentionMs(0),
    })
    this.#upkeep = new TenantUpkeep(this.#session, this.#changes)
  }

  get feedAgeMs(): number {
    return this.#resolver.feedAgeMs
  }

  async ready(): Promise<void> {
    await this.#session.open()
  }

  signingKey(subject: string): MaybePromise<SigningKey> {
    checkTenantId(subject)
    const cached = this.#storedKeys.isStale ? undefined : this.#resolver.find(subject)
    const key = cached === undefined ? undefined : signingKeyOf(cached)
    return key ?? this.#lookup.signingKey(subject)
  }

  verifyingKey(headerSegment: string): MaybePromise<VerifyingKey> {
    const cached = this.#storedKeys.isStale ? undefined : this.#resolver.findByHeader(headerSegment)
    if (cached !== undefined) return cached
    const { algorithm, kid } = readHeader(headerSegment)
    return this.#lookup.verifyingKey(kid, algorithm)
  }

  provision(tenant: string, options?: ChangeOptions<Client>): Promise<void> {
    return this.#changes.change('provision', tenant, lifecycle.provision, options)
  }

  rotate(tenant: string, options?: ChangeOptions<Client>): Promise<void> {
    return this.#changes.change('rotate', tenant, lifecycle.rotate, options)
  }

  revoke(tenant: string, options?: EndingOptions<Client>): Promise<void> {
    return this.#changes.change('revoke', tenant, lifecycle.revoke, options)
  }

  async revokeSession(tenant: string, sessionId: string, options?: EndingOptions<Client>): Promise<void> {
    checkSessionId(sessionId)
    const decide: Decision = (current, context) => lifecycle.endSession(current, sessionId, context)
    await this.#changes.change('revoke_session', tenant, decide, options)
  }

  requireReissue(tenant: string, options?: EndingOptions<Client>): Promise<void> {
    return this.#changes.change('require_reissue', tenant, lifecycle.requireReissue, options)
  }

  setGrants(tenant: string, grants: GrantsInput | null, options?: EndingOptions<Client>): Promise<void> {
    return this.#changes.setGrants(tenant, grants, options)
  }

  disable(tenant: string, options?: EndingOptions<Client>): Promise<void> {
    return this.#changes.change('disable', tenant, lifecycle.disable, options)
  }

  enable(tenant: string, options?: ChangeOptions<Client>): Promise<void> {
    return this.#changes.change('enable', tenant, lifecycle.enable, options)
  }

  forget(tenant: string, options?: EndingOptions<Client>): Promise<void> {
    return this.#changes.change('forget', tenant, lifecycle.forget, options)
  }

  watch(listener: FreshnessListener): () => void {
    return this.#resolver.watch(listener)
  }

  async waitForPropagation(): Promise<PropagationReport> {
    const { feed } = await this.#session.open()
    const { store, lease } = this.#session
    const caughtUp = this.#resolver.caughtUp()
    feed.check()
    return waitForAcknowledgements(store, lease.verifier, caughtUp)
  }

  describe(tenant: string): Promise<TenantDescription | undefined> {
    return this.#changes.describe(tenant)
  }

  rotateAll(options: RotateAllOptions = {}): TenantsRotation {
    return this.#upkeep.rotateAll(options)
  }

  rewrap(options: RewrapOptions = {}): Promise<number> {
    return this.#upkeep.rewrap(options)
  }

  async storedKey<T>(name: string, make: (bytes: Uint8Array) => T): Promise<StoredKey<T>> {
    await this.#session.open()
    return this.#storedKeys.key(name, make)
  }

  ensureKeys(): Promise<void> | undefined {
    if (this.#session.opened === undefined) return this.ready()
    return this.#storedKeys.ensure()
  }

  replaceKeys(options: ReplaceKeysOptions = {}): Promise<number> {
    return this.#upkeep.replaceKeys(options, () => this.waitForPropagation())
  }

  encryptions(): Promise<ReadonlyMap<string, number>> {
    return this.#upkeep.encryptions()
  }

  checkSealed(): Promise<SealedCheck> {
    return this.#upkeep.checkSealed()
  }

  prune(): Promise<void> {
    return this.#upkeep.prune(this.maxTokenTtl)
  }

  async close(): Promise<void> {
    this.#upkeep.close()
    await this.#session.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
