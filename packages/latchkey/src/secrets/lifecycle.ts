import { LatchkeyError } from '../errors.js'
import type { EndedSession, SealGrants, SecretRecord, TenantRecord, TenantState } from './ports.js'

/** The input of a decision beside the tenant. */
export interface LifecycleContext {
  /** Milliseconds since 1970. */
  readonly nowMs: number
  /** Milliseconds for which a rotated secret still verifies. */
  readonly graceMs: number
  /** Milliseconds after which every token from before has expired by any clock. */
  readonly retentionMs: number
  /**
   * Milliseconds since 1970 until which a clock may accept legacy tokens; `undefined` if none are
   * accepted.
   */
  readonly legacyUntilMs?: number | undefined
  /** Returns a new secret with this generation. */
  readonly mint: (generation: number) => SecretRecord
}

/** Limit of verifying secrets per tenant: more rotations within one grace period are refused. */
export const MAX_VERIFYING_SECRETS = 16

/** Limit of ended sessions per tenant; to end more, every token of the tenant must be reissued. */
export const MAX_ENDED_SESSIONS = 100

const unprovisioned: TenantState = {
  disabledAt: null,
  revokedAt: null,
  forgottenUntil: null,
  secrets: [],
  endedSessions: [],
  grants: null,
}

/** Adds a signing secret unless the tenant has one. Throws `tenant_inactive`. */
export function provision(current: TenantRecord | undefined, context: LifecycleContext): TenantState {
  if (current === undefined) return { ...unprovisioned, secrets: [context.mint(1)] }
  if (current.disabledAt !== null) throw new LatchkeyError('tenant_inactive')
  if (current.secrets.some(isSigning)) return current
  return { ...current, forgottenUntil: null, secrets: [...current.secrets, context.mint(nextGeneration(current))] }
}

/**
 * Adds a new signing secret; the old one verifies until its grace period ends.
 *
 * @throws `tenant_unknown`, `tenant_inactive`, `too_many_rotations`
 */
export function rotate(current: TenantRecord | undefined, context: LifecycleContext): TenantState {
  const tenant = known(current)
  if (tenant.disabledAt !== null) throw new LatchkeyError('tenant_inactive')
  const verifying = tenant.secrets.filter((secret) => secret.retiresAt === null || context.nowMs < secret.retiresAt)
  if (verifying.length >= MAX_VERIFYING_SECRETS) throw new LatchkeyError('too_many_rotations')
  const retiresAt = context.nowMs + context.graceMs
  const retired = tenant.secrets.map((secret) => (isSigning(secret) ? { ...secret, retiresAt } : secret))
  return { ...tenant, secrets: [...retired, context.mint(nextGeneration(tenant))] }
}

/** Rotates a tenant whose signing secret was created before this time; leaves others unchanged. */
export function rotateIfDue(
  current: TenantRecord | undefined,
  before: number,
  context: LifecycleContext,
): TenantState | undefined {
  const isDue = current?.secrets.some((secret) => isSigning(secret) && secret.createdAt < before)
  return isDue ? rotate(current, context) : current
}

/** Replaces all secrets by a new one. A disabled tenant stays without. Throws `tenant_unknown`. */
export function revoke(current: TenantRecord | undefined, context: LifecycleContext): TenantState {
  const tenant = endable(current, context)
  if (tenant.disabledAt !== null) return tenant
  return { ...endTokens(tenant, context), secrets: [context.mint(nextGeneration(tenant))] }
}

/**
 * Adds a new signing secret; tokens of the old ones are refused with `reissue_required`. The old
 * secrets are kept, so that only the bearer of a genuine token gets that answer.
 *
 * @throws `tenant_unknown`, `tenant_inactive`
 */
export function requireReissue(current: TenantRecord | undefined, context: LifecycleContext): TenantState {
  const tenant = endable(current, context)
  if (tenant.disabledAt !== null) throw new LatchkeyError('tenant_inactive')
  const alive = tenant.secrets.filter((secret) => !isExpired(secret, context))
  const superseded = alive.map((secret) => ({
    ...secret,
    retiresAt: Math.min(secret.retiresAt ?? context.nowMs, context.nowMs),
    reissueRequired: true,
  }))
  const kept = superseded.toSorted((a, b) => a.generation - b.generation).slice(-MAX_VERIFYING_SECRETS)
  const secrets = [...kept, context.mint(nextGeneration(tenant))]
  return { ...endTokens(tenant, context), secrets }
}

/** Ends the tokens of one session. Throws `tenant_unknown`. */
export function endSession(
  current: TenantRecord | undefined,
  sessionId: string,
  context: LifecycleContext,
): TenantState {
  const tenant = endable(current, context)
  if (tenant.disabledAt !== null) return tenant
  const until = Math.max(context.nowMs + context.retentionMs, context.legacyUntilMs ?? 0)
  const before = tenant.endedSessions.find((ended) => ended.sessionId === sessionId)
  if (before !== undefined && before.until >= until) return tenant
  // Ended again, it is stored for the full time: tokens may have been signed for it since.
  const others = tenant.endedSessions.filter((ended) => context.nowMs < ended.until && ended !== before)
  if (others.length >= MAX_ENDED_SESSIONS) return requireReissue(current, context)
  const ended: EndedSession = { sessionId, until }
  return { ...tenant, endedSessions: [...others, ended] }
}

/** Removes all secrets until the tenant is enabled. Throws `tenant_unknown`. */
export function disable(current: TenantRecord | undefined, context: LifecycleContext): TenantState {
  const tenant = endable(current, context)
  if (tenant.disabledAt !== null) return tenant
  return { ...endTokens(tenant, context), disabledAt: context.nowMs }
}

/** Enables the tenant with a new secret; older tokens stay refused. Throws `tenant_unknown`. */
export function enable(current: TenantRecord | undefined, context: LifecycleContext): TenantState {
  const tenant = known(current)
  if (tenant.disabledAt === null) return tenant
  return { ...endTokens(tenant, context), secrets: [context.mint(nextGeneration(tenant))] }
}

/**
 * Deletes the tenant. While legacy tokens are accepted, its ID is kept and nothing else: they need
 * no tenant, so that they would be accepted again without it.
 */
export function forget(current: TenantRecord | undefined, context: LifecycleContext): TenantState | undefined {
  const until = Math.max(context.legacyUntilMs ?? 0, current?.forgottenUntil ?? 0)
  if (!(context.nowMs < until)) return undefined
  if (current?.forgottenUntil === until) return current
  return { ...endTokens(current ?? unprovisioned, context), grants: null, forgottenUntil: until }
}

/** Replaces the grants; `null` removes them. Throws `tenant_unknown`. */
export function setGrants(current: TenantRecord | undefined, grants: SealGrants | null): TenantState {
  const tenant = known(current)
  if (tenant.grants === null && grants === null) return tenant
  return { ...tenant, grants }
}

function known(current: TenantRecord | undefined): TenantRecord {
  if (current === undefined || current.forgottenUntil !== null) throw new LatchkeyError('tenant_unknown')
  return current
}

/**
 * Returns a tenant whose tokens can be ended. While legacy tokens are accepted, a user may have
 * some before there is a tenant: it is created.
 */
function endable(current: TenantRecord | undefined, context: LifecycleContext): TenantState {
  const isMissing = current === undefined || current.forgottenUntil !== null
  const acceptsLegacy = context.legacyUntilMs !== undefined && context.nowMs < context.legacyUntilMs
  return isMissing && acceptsLegacy ? provision(current, context) : known(current)
}

/** Returns the tenant after the end of all its tokens, without secrets and sessions. */
function endTokens({ grants, revokedAt }: TenantState, { nowMs }: LifecycleContext): TenantState {
  // A clock that was set back must not restore legacy tokens.
  return { ...unprovisioned, grants, revokedAt: Math.max(revokedAt ?? nowMs, nowMs) }
}

function isSigning(secret: SecretRecord): boolean {
  return secret.retiresAt === null
}

function isExpired(secret: SecretRecord, { nowMs, retentionMs }: LifecycleContext): boolean {
  return secret.retiresAt !== null && secret.retiresAt + retentionMs <= nowMs
}

function nextGeneration({ secrets }: TenantState): number {
  return secrets.reduce((highest, secret) => Math.max(highest, secret.generation), 0) + 1
}
