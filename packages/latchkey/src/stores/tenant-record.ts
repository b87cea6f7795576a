import type { TenantRecord, TenantState } from '../secrets/ports.js'

/**
 * Returns the record that a store keeps of this state: only its declared members, with grants
 * sealed for the version.
 */
export function tenantRecord(
  tenant: string,
  version: number,
  { disabledAt, revokedAt, forgottenUntil, secrets, endedSessions, grants }: TenantState,
): TenantRecord {
  const byGeneration = [...secrets].sort((a, b) => a.generation - b.generation)
  return {
    tenant,
    version,
    disabledAt,
    revokedAt,
    forgottenUntil,
    secrets: byGeneration,
    endedSessions: [...endedSessions],
    grants: typeof grants === 'function' ? grants(version) : grants,
  }
}

/**
 * Returns whether a change leaves a secret of the tenant. If it leaves none, it has ended every
 * token, and so it revokes the tenant's sessions (`SessionStore`).
 */
export function keepsSecret(current: TenantRecord | undefined, next: TenantState): boolean {
  const before = new Set(current?.secrets.map(({ kid }) => kid))
  return next.secrets.some(({ kid }) => before.has(kid))
}
