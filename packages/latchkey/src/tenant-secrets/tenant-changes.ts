import { type LifecycleMessage, publishChange } from '../channels.js'
import { decodeGrants, encodeGrants, type GrantsInput } from '../claims/grants.js'
import { endRetentionMs } from '../clock-tolerance.js'
import type { GrantsSealer } from '../secrets/grants-sealer.js'
import * as lifecycle from '../secrets/lifecycle.js'
import type { TenantRecord, TenantState } from '../secrets/ports.js'
import { checkTenantId } from '../secrets/tenant-id.js'
import { waitForAcknowledgements } from '../tenants/wait-for-acknowledgements.js'
import type { Opened, StoreSession } from './store-session.js'
import type { EndingOptions, TenantDescription } from './tenant-secrets-api.js'

/**
 * Decides on the new state of a tenant. The same object means no change, and `undefined` deletes
 * the tenant.
 */
export type Decision = (
  current: TenantRecord | undefined,
  context: lifecycle.LifecycleContext,
) => TenantState | undefined

/** Durations of the lifecycle. */
export interface ChangeSettings {
  /** Milliseconds for which a rotated secret still verifies. */
  readonly graceMs: number
  /** Longest lifetime of a token in seconds. */
  readonly maxTokenTtl: number
  /**
   * Milliseconds since 1970 until which a clock may accept legacy tokens; `undefined` if none are
   * accepted.
   */
  readonly legacyUntilMs: number | undefined
}

/** Writes the decisions of the lifecycle to the store, and reads tenants for display. */
export class TenantChanges<Client> {
  readonly #session: StoreSession<Client>
  readonly #settings: ChangeSettings

  constructor(session: StoreSession<Client>, settings: ChangeSettings) {
    this.#session = session
    this.#settings = settings
  }

  /** Changes a tenant in one transaction: the caller's, or one of its own. */
  async change(
    action: LifecycleMessage['action'],
    tenant: string,
    decide: Decision,
    { client, everywhere }: EndingOptions<Client> = {},
  ): Promise<void> {
    checkTenantId(tenant)
    if (client !== undefined && everywhere === true) {
      throw new TypeError('everywhere cannot be combined with client: call waitForPropagation() after the commit.')
    }
    const { source, store, lease } = this.#session
    const about = { source, action, tenant, isCommitted: client === undefined }
    await publishChange(about, () => this.#write(tenant, decide, client))
    if (everywhere !== true) return
    // This process has applied the change already.
    await waitForAcknowledgements(store, lease.verifier, true)
  }

  /** See `TenantSecrets.setGrants`. */
  async setGrants(tenant: string, grants: GrantsInput | null, options?: EndingOptions<Client>): Promise<void> {
    checkTenantId(tenant)
    const text = encodeGrants(grants)
    const { grants: sealer } = await this.#session.open()
    const seal = text === undefined ? null : (version: number) => sealer.seal({ tenant, version }, text)
    await this.change(
      'set_grants',
      tenant,
      (current) => (text === openGrants(sealer, current) ? current : lifecycle.setGrants(current, seal)),
      options,
    )
  }

  /** See `TenantSecrets.describe`. */
  async describe(tenant: string): Promise<TenantDescription | undefined> {
    checkTenantId(tenant)
    const { grants: sealer } = await this.#session.open()
    const record = (await this.#session.store.readTenants([tenant])).get(tenant)
    if (record === undefined || record.forgottenUntil !== null) return undefined
    const text = record.grants === null ? undefined : sealer.open(record, record.grants)
    const { forgottenUntil, ...described } = record
    return {
      ...described,
      grants: decodeGrants(text),
      secrets: record.secrets.map(({ sealed, ...secret }) => secret),
    }
  }

  /**
   * Rotates the tenant if its signing secret is older than this time, and returns whether it was.
   */
  async rotateIfDue(tenant: string, before: number): Promise<boolean> {
    let hasRotated = false
    await this.change('rotate', tenant, (current, context) => {
      const after = lifecycle.rotateIfDue(current, before, context)
      hasRotated = after !== current
      return after
    })
    return hasRotated
  }

  /**
   * Creates new secrets for those of the tenants whose secrets depend on a replaced key, in one
   * transaction, and returns their number.
   */
  async replaceSecrets(tenants: readonly string[]): Promise<number> {
    const { store, storedKeys } = this.#session
    await storedKeys.ensure()
    const records = await store.readTenants(tenants)
    const due = tenants.filter((tenant) =>
      records.get(tenant)?.secrets.some(({ kid }) => this.#session.isReplaced(kid)),
    )
    if (due.length === 0) return 0
    await store.transaction(async (client) => {
      for (const tenant of due) await this.change('replace_keys', tenant, (current) => current, { client })
    })
    return due.length
  }

  /** Writes the decision on a tenant. Resolves to whether the tenant has changed. */
  async #write(tenant: string, decide: Decision, client: Client | undefined): Promise<boolean> {
    const { store, resolver, storedKeys } = this.#session
    const opened = await this.#session.open()
    await storedKeys.ensure()
    const context = this.#contextOf(tenant, opened)
    let hasChanged = false
    const after = await store.change(
      tenant,
      (current) => {
        const decided = decide(this.#withoutReplaced(current, context), context)
        const next = carryGrants(opened.grants, current, decided)
        hasChanged = next !== current
        return next
      },
      client,
    )
    // A change in the caller's transaction is not committed yet: the feed reports it afterwards.
    if (client === undefined) {
      resolver.apply({ tenant, version: after?.version ?? Number.POSITIVE_INFINITY })
    }
    return hasChanged
  }

  #contextOf(tenant: string, { sealer }: Opened): lifecycle.LifecycleContext {
    const { clock } = this.#session
    return {
      nowMs: clock.now(),
      graceMs: this.#settings.graceMs,
      retentionMs: endRetentionMs(this.#settings.maxTokenTtl),
      legacyUntilMs: this.#settings.legacyUntilMs,
      mint: (generation) => sealer.mint(tenant, generation, clock.now()),
    }
  }

  /** Returns the tenant with a new secret instead of those that depend on a replaced key. */
  #withoutReplaced(current: TenantRecord | undefined, context: lifecycle.LifecycleContext): TenantRecord | undefined {
    if (current?.secrets.some(({ kid }) => this.#session.isReplaced(kid)) !== true) return current
    return { ...current, ...lifecycle.revoke(current, context), grants: current.grants }
  }
}

/**
 * Returns the JSON of a tenant's grants, `undefined` for none, `null` if it cannot be decrypted.
 */
function openGrants(sealer: GrantsSealer, current: TenantRecord | undefined): string | undefined | null {
  if (current === undefined || current.forgottenUntil !== null) return null
  if (current.grants === null) return undefined
  try {
    return sealer.open(current, current.grants)
  } catch {
    return null
  }
}

/**
 * Seals grants that a change keeps for the version that it creates. Grants that cannot be decrypted
 * stay as they are and so stay unreadable: a tenant whose grants are damaged can still be revoked,
 * and gains nothing by it.
 */
function carryGrants(
  sealer: GrantsSealer,
  current: TenantRecord | undefined,
  next: TenantState | undefined,
): TenantState | undefined {
  if (current === undefined || next === undefined || next === current) return next
  if (next.grants !== current.grants) return next
  const text = openGrants(sealer, current)
  if (typeof text !== 'string') return next
  const { tenant } = current
  return { ...next, grants: (version) => sealer.seal({ tenant, version }, text) }
}
