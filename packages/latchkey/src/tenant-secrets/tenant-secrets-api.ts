import type { Grants, GrantsInput } from '../claims/grants.js'
import type { KeySource } from '../keys/key-source.js'
import type { SecretRecord, TenantRecord } from '../secrets/ports.js'
import type { StoredKey } from '../secrets/stored-keys.js'
import type { PropagationReport } from '../tenants/wait-for-acknowledgements.js'
import type { SealedCheck } from '../upkeep/check-sealed.js'
import type { ReplaceKeysOptions } from '../upkeep/replace-keys.js'
import type { RewrapOptions } from '../upkeep/rewrap.js'
import type { RotateAllOptions, TenantsRotation } from '../upkeep/rotate-all.js'

/** Options of a change. */
export interface ChangeOptions<Client> {
  /**
   * The handle of an open transaction of the store, or one of your own library by way of its
   * function in `latchkey/postgres`: the change commits or rolls back with it. Without one, the
   * change is durable when its promise resolves.
   */
  readonly client?: Client
}

/** Options of a change that ends tokens. */
export interface EndingOptions<Client> extends ChangeOptions<Client> {
  /**
   * Whether the promise resolves only once no process can accept what the change ended: each
   * verifier has acknowledged the change, or its `maxStaleness` has passed (C4). Cannot be combined
   * with `client`, because nothing is committed yet then.
   *
   * @defaultValue `false`: the change holds in this process when the promise resolves
   */
  readonly everywhere?: boolean
}

/** A stored secret without the secret itself. */
export type SecretDescription = Omit<SecretRecord, 'sealed'>

/** A tenant without its secrets. Times are in milliseconds since 1970. */
export interface TenantDescription extends Omit<TenantRecord, 'secrets' | 'grants' | 'forgottenUntil'> {
  readonly secrets: readonly SecretDescription[]
  /** The current grants. */
  readonly grants: Grants
}

/**
 * A key source with a signing secret for every tenant.
 *
 * A change holds in this process when its promise resolves, and in every other process within
 * `maxStaleness`. Each one fails with `tenant_invalid`, `store_unavailable`, `store_busy`,
 * `master_key_missing` or `master_key_wrong`, and with the codes named at the method.
 */
export interface TenantSecrets<Client = unknown> extends KeySource {
  /**
   * Connects, checks the master keys and starts the change feed. Optional: the first use of the key
   * source does the same.
   *
   * @throws `master_key_missing`, `master_key_wrong`, `schema_missing`, `schema_too_new`,
   * `store_unavailable`
   */
  ready(): Promise<void>
  /**
   * Creates a secret for the tenant if it has none.
   *
   * @throws `tenant_inactive`
   */
  provision(tenant: string, options?: ChangeOptions<Client>): Promise<void>
  /**
   * Creates a new secret that signs from now on. The old one verifies until the grace period ends,
   * so that no user has to sign in again.
   *
   * @throws `tenant_unknown`, `tenant_inactive`, `too_many_rotations`
   * @example
   * await keys.rotate(user.id)
   */
  rotate(tenant: string, options?: ChangeOptions<Client>): Promise<void>
  /**
   * Ends every token of the tenant. It can sign in again at once. While legacy tokens are accepted,
   * this and the other changes that end tokens create a tenant that does not exist.
   *
   * @throws `tenant_unknown`
   * @example
   * await keys.revoke(user.id, { everywhere: true })
   */
  revoke(tenant: string, options?: EndingOptions<Client>): Promise<void>
  /**
   * Ends the tokens of one session. The tenant's other sessions continue.
   *
   * @throws `tenant_unknown`
   */
  revokeSession(tenant: string, sessionId: string, options?: EndingOptions<Client>): Promise<void>
  /**
   * Refuses tokens issued before with `reissue_required`, for example because their claims are out
   * of date. A refreshed token is accepted.
   *
   * @throws `tenant_unknown`, `tenant_inactive`
   */
  requireReissue(tenant: string, options?: EndingOptions<Client>): Promise<void>
  /**
   * Replaces the grants of the tenant. All of its tokens, including those issued before, have these
   * `auth.grants` from now on; no token is reissued. `null` and `{}` remove all grants. Grants are
   * kept by `rotate`, `revoke`, `disable` and `enable`, and deleted by `forget`.
   *
   * @param grants A plain JSON object of at most 1 KiB: `roles` (a list), `scope` (a string,
   * RFC 6749 §3.3) and further members of the application.
   * @throws `tenant_unknown`; TypeError for grants that are too large or not plain JSON
   * @example
   * await keys.setGrants(user.id, { roles: ['editor'], scope: 'posts:read posts:write' })
   */
  setGrants(tenant: string, grants: GrantsInput | null, options?: EndingOptions<Client>): Promise<void>
  /**
   * Ends every token of the tenant; no token can be issued until `enable`.
   *
   * @throws `tenant_unknown`
   */
  disable(tenant: string, options?: EndingOptions<Client>): Promise<void>
  /**
   * Undoes `disable`. Tokens issued before stay refused.
   *
   * @throws `tenant_unknown`
   */
  enable(tenant: string, options?: ChangeOptions<Client>): Promise<void>
  /**
   * Deletes the tenant with its secrets. It does nothing for a tenant that does not exist. While
   * legacy tokens are accepted, its ID is stored until they end, so that they stay refused.
   *
   * @example
   * await keys.forget(user.id)
   */
  forget(tenant: string, options?: EndingOptions<Client>): Promise<void>
  /**
   * Resolves once every verifier, including this process, has acknowledged all earlier commits, or
   * its `maxStaleness` has passed. The option `everywhere` waits for the same; call it after
   * changes in a transaction of your own.
   *
   * @returns the verifiers, and the milliseconds from the call until each one's acknowledgement was
   * known. The times are upper bounds: acknowledgements are read with pauses of at most 25 ms.
   * @throws `store_unavailable`
   * @example
   * await transaction((client) => keys.revoke(user.id, { client }))
   * const { acknowledged, verifiers, elapsedMs } = await keys.waitForPropagation()
   * console.log(`${acknowledged} of ${verifiers} verifiers, ${elapsedMs} ms`)
   */
  waitForPropagation(): Promise<PropagationReport>
  /**
   * Reads a tenant from the store.
   *
   * @returns its versions, dates, IDs and grants; `undefined` for a tenant that does not exist
   */
  describe(tenant: string): Promise<TenantDescription | undefined>
  /**
   * Rotates every tenant whose signing secret is older than a date, at a bounded rate; no user is
   * signed out. The rotation continues until it is done or stopped or the key source is closed, and
   * waits while the store cannot be reached.
   *
   * @returns a handle that reports the progress and can pause or stop the rotation
   * @throws TypeError for invalid options
   */
  rotateAll(options?: RotateAllOptions): TenantsRotation
  /**
   * Encrypts all stored values under the newest master key, in small steps. It can be interrupted
   * and called again.
   *
   * @returns the number of values that it moved
   * @throws `master_key_missing`, `master_key_wrong`, `store_unavailable`
   * @example
   * await keys.rewrap()
   */
  rewrap(options?: RewrapOptions): Promise<number>
  /**
   * Returns a key of 32 random bytes that all processes on the store share, for a use of the
   * caller's own. It is created at its first use, stored under the master key, and replaced by
   * `replaceKeys`.
   *
   * @param name Names the key; must never change.
   * @param make Turns the bytes of each version into the value that the caller uses.
   * @throws `master_key_missing`, `master_key_wrong`
   */
  storedKey<T>(name: string, make: (bytes: Uint8Array) => T): Promise<StoredKey<T>>
  /**
   * Resolves once the stored keys are fresh; returns `undefined` if they are already, which is
   * nearly always. Await it before a stored key accepts or creates anything other than an access
   * token.
   *
   * @throws `store_unavailable`
   */
  ensureKeys(): Promise<void> | undefined
  /**
   * Replaces every stored key and every tenant's secret, after a leak of the master key, or of a
   * copy of the store together with it. When the promise resolves, no process accepts anything made
   * with the old keys, and every user has to sign in again. It can be interrupted and called again
   * in any process, beside running ones. The newest master key encrypts the new keys, so it must
   * not be the one that leaked.
   *
   * @returns the number of tenants that received a new secret
   */
  replaceKeys(options?: ReplaceKeysOptions): Promise<number>
  /**
   * Returns the approximate number of values that each master key has encrypted, by its ID. Each
   * process adds its count when it prunes and when it closes. By NIST SP 800-38D §8.3 a key may
   * encrypt 2^32 values; add a new one to the ring long before.
   *
   * @returns the counts by ID of the master key
   * @throws `store_unavailable`
   */
  encryptions(): Promise<ReadonlyMap<string, number>>
  /**
   * Decrypts every stored secret and all grants. It reads the whole store.
   *
   * @returns the number of values that can be decrypted, and the master keys that are still needed
   * @throws `store_unavailable`
   */
  checkSealed(): Promise<SealedCheck>
  /**
   * Deletes data that no verifier needs any more: expired secrets, ended sessions, IDs of deleted
   * tenants, leases and changes. Call it about once an hour.
   *
   * @throws `store_unavailable`
   * @example
   * setInterval(() => keys.prune().catch(console.error), 3_600_000).unref()
   */
  prune(): Promise<void>
  /**
   * Age of the change feed's last proof in milliseconds; `Infinity` while the feed is not fresh.
   */
  readonly feedAgeMs: number
}
