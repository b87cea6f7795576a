import { LatchkeyError } from '../errors.js'
import type { EndedSession, SealGrants, SecretRecord, TenantRecord, TenantState } from './ports.js'

/** What a decision needs besides the tenant: all time is an argument, and new secrets come from outside. */
export interface LifecycleContext {
  /** Milliseconds since 1970. */
  readonly nowMs: number
  /** How long a rotated secret goes on verifying, in milliseconds. */
  readonly graceMs: number
  /** For how long an end must be remembered, in milliseconds: until no token from before can be accepted by any clock. */
  readonly retentionMs: number
  /** A new secret with this generation. */
  readonly mint: (generation: number) => SecretRecord
}

/** Living secrets that a tenant may have at once: rotations faster than this in one grace period are refused. */
export const MAX_VERIFYING_SECRETS = 16

/** Ended sessions that are remembered by name; more are ended by making every token of the tenant be issued anew. */
export const MAX_ENDED_SESSIONS = 100

const unprovisioned: TenantState = { disabledAt: null, secrets: [], endedSessions: [], grants: null }

/** A tenant with a secret that signs; the same tenant when it has one. Throws `tenant_inactive`. */
export function provision(current: TenantRecord | undefined, context: LifecycleContext): TenantState {
  if (current === undefined) return { ...unprovisioned, secrets: [context.mint(1)] }
  if (current.disabledAt !== null) throw new LatchkeyError('tenant_inactive')
  if (current.secrets.some(isSigning)) return current
  return { ...current, secrets: [...current.secrets, context.mint(nextGeneration(current))] }
}

/** A new secret signs; the old ones verify until their grace ends. Throws `tenant_unknown`, `tenant_inactive`, `too_many_rotations`. */
export function rotate(current: TenantRecord | undefined, context: LifecycleContext): TenantState {
  const tenant = known(current)
  if (tenant.disabledAt !== null) throw new LatchkeyError('tenant_inactive')
  const verifying = tenant.secrets.filter((secret) => secret.retiresAt === null || context.nowMs < secret.retiresAt)
  if (verifying.length >= MAX_VERIFYING_SECRETS) throw new LatchkeyError('too_many_rotations')
  const retiresAt = context.nowMs + context.graceMs
  const retired = tenant.secrets.map((secret) => (isSigning(secret) ? { ...secret, retiresAt } : secret))
  return { ...tenant, secrets: [...retired, context.mint(nextGeneration(tenant))] }
}

/** The same as `rotate` where the signing secret was made before this time, and no change elsewhere. */
export function rotateIfDue(
  current: TenantRecord | undefined,
  before: number,
  context: LifecycleContext,
): TenantState | undefined {
  const isDue = current?.secrets.some((secret) => isSigning(secret) && secret.createdAt < before)
  return isDue ? rotate(current, context) : current
}

/** Nothing issued before verifies any more; a new secret signs. A disabled tenant stays without one. Throws `tenant_unknown`. */
export function revoke(current: TenantRecord | undefined, context: LifecycleContext): TenantState {
  const tenant = known(current)
  if (tenant.disabledAt !== null) return tenant
  return { ...unprovisioned, grants: tenant.grants, secrets: [context.mint(nextGeneration(tenant))] }
}

/**
 * Tokens issued before are answered with `reissue_required`; a new secret signs. The old secrets stay, so that only the bearer of a
 * genuine token learns that. Throws `tenant_unknown`, `tenant_inactive`.
 */
export function requireReissue(current: TenantRecord | undefined, context: LifecycleContext): TenantState {
  const tenant = known(current)
  if (tenant.disabledAt !== null) throw new LatchkeyError('tenant_inactive')
  const alive = tenant.secrets.filter((secret) => !isForgettable(secret, context))
  const superseded = alive.map((secret) => ({
    ...secret,
    retiresAt: Math.min(secret.retiresAt ?? context.nowMs, context.nowMs),
    reissueRequired: true,
  }))
  const kept = superseded.toSorted((a, b) => a.generation - b.generation).slice(-MAX_VERIFYING_SECRETS)
  const secrets = [...kept, context.mint(nextGeneration(tenant))]
  return { disabledAt: null, secrets, endedSessions: [], grants: tenant.grants }
}

/** The session's tokens stop verifying; the tenant's other sessions go on. Throws `tenant_unknown`. */
export function endSession(
  current: TenantRecord | undefined,
  sessionId: string,
  context: LifecycleContext,
): TenantState {
  const tenant = known(current)
  if (tenant.disabledAt !== null) return tenant
  const until = context.nowMs + context.retentionMs
  const before = tenant.endedSessions.find((ended) => ended.sessionId === sessionId)
  if (before !== undefined && before.until >= until) return tenant
  // Ended again, it is remembered anew: tokens may have been signed for it since.
  const others = tenant.endedSessions.filter((ended) => context.nowMs < ended.until && ended !== before)
  if (others.length >= MAX_ENDED_SESSIONS) return requireReissue(current, context)
  const ended: EndedSession = { sessionId, until }
  return { ...tenant, endedSessions: [...others, ended] }
}

/** Nothing verifies and nothing can be issued until the tenant is enabled. Throws `tenant_unknown`. */
export function disable(current: TenantRecord | undefined, context: LifecycleContext): TenantState {
  const tenant = known(current)
  if (tenant.disabledAt !== null) return tenant
  return { ...unprovisioned, grants: tenant.grants, disabledAt: context.nowMs }
}

/** The tenant may sign in again, with a new secret: what was issued before stays dead. Throws `tenant_unknown`. */
export function enable(current: TenantRecord | undefined, context: LifecycleContext): TenantState {
  const tenant = known(current)
  if (tenant.disabledAt === null) return tenant
  return { ...unprovisioned, grants: tenant.grants, secrets: [context.mint(nextGeneration(tenant))] }
}

/**
 * Replaces what the tenant may do; `null` takes everything away. Its secrets and tokens stay as they are, and a disabled
 * tenant stays disabled. Throws `tenant_unknown`.
 */
export function setGrants(current: TenantRecord | undefined, grants: SealGrants | null): TenantState {
  const tenant = known(current)
  if (tenant.grants === null && grants === null) return tenant
  return { ...tenant, grants }
}

function known(current: TenantRecord | undefined): TenantRecord {
  if (current === undefined) throw new LatchkeyError('tenant_unknown')
  return current
}

function isSigning(secret: SecretRecord): boolean {
  return secret.retiresAt === null
}

function isForgettable(secret: SecretRecord, { nowMs, retentionMs }: LifecycleContext): boolean {
  return secret.retiresAt !== null && secret.retiresAt + retentionMs <= nowMs
}

function nextGeneration({ secrets }: TenantRecord): number {
  return secrets.reduce((highest, secret) => Math.max(highest, secret.generation), 0) + 1
}
