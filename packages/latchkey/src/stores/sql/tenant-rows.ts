import type { HmacAlgorithm } from '../../jws/algorithms.js'
import type { EndedSession, SealedGrants, SecretRecord, TenantRecord } from '../../secrets/ports.js'

/**
 * One row of `selectTenants`: a tenant with one of its secrets or none, or one of its ended
 * sessions.
 */
export interface TenantRow {
  readonly tenant_id: string
  readonly version: number | string | null
  readonly disabled_at: number | string | null
  readonly revoked_at: number | string | null
  readonly forgotten_until: number | string | null
  readonly grants_key_id: string | null
  readonly grants_sealed: string | null
  readonly kid: string | null
  readonly generation: number | string | null
  readonly algorithm: string | null
  readonly master_key_id: string | null
  readonly sealed: string | null
  readonly created_at: number | string | null
  readonly retires_at: number | string | null
  readonly reissue_required: number | string | null
  readonly session_id: string | null
  readonly until: number | string | null
}

/** The columns of a `TenantRow`. */
export const tenantColumns: readonly string[] = Object.keys({
  tenant_id: true,
  version: true,
  disabled_at: true,
  revoked_at: true,
  forgotten_until: true,
  grants_key_id: true,
  grants_sealed: true,
  kid: true,
  generation: true,
  algorithm: true,
  master_key_id: true,
  sealed: true,
  created_at: true,
  retires_at: true,
  reissue_required: true,
  session_id: true,
  until: true,
} satisfies Record<keyof TenantRow, true>)

/**
 * Returns a query for the tenants that meet the condition on `tenant_id`, with all their state. One
 * statement reads one snapshot; with the suffix `lock` of each `select`, it locks what it reads.
 */
export function selectTenants(condition: string, lock = ''): string {
  const tenants = `
    select t.tenant_id, t.version, t.disabled_at, t.revoked_at, t.forgotten_until, t.grants_key_id, t.grants_sealed, s.kid, s.generation, s.algorithm,
      s.master_key_id, s.sealed, s.created_at, s.retires_at, s.reissue_required, null as session_id, null as until
    from latchkey_tenants t left join latchkey_secrets s on s.tenant_id = t.tenant_id
    where t.tenant_id ${condition}`
  const endedSessions = `
    select e.tenant_id, null, null, null, null, null, null, null, null, null, null, null, null, null, null, e.session_id, e.until
    from latchkey_ended_sessions e
    where e.tenant_id ${condition}`
  if (lock === '') return `${tenants} union all ${endedSessions}`
  return `(${tenants} ${lock}) union all (${endedSessions} ${lock})`
}

/**
 * Selects the tenants whose signing secret was created before $1: up to $3 of them, in the order of
 * their IDs, after $2.
 */
export const selectDue = `
  select tenant_id from latchkey_secrets
  where retires_at is null and created_at < $1 and tenant_id > $2
  order by tenant_id limit $3`

/** Selects the tenants that have grants: up to $2 of them, in the order of their IDs, after $1. */
export const selectGranted = `
  select tenant_id from latchkey_tenants where grants_key_id is not null and tenant_id > $1 order by tenant_id limit $2`

/** Counts the tenants whose signing secret was created before $1. */
export const countDue = 'select count(*) as due from latchkey_secrets where retires_at is null and created_at < $1'

interface Gathered {
  version: number
  disabledAt: number | null
  revokedAt: number | null
  forgottenUntil: number | null
  grants: SealedGrants | null
  readonly secrets: SecretRecord[]
  readonly endedSessions: EndedSession[]
}

/** Returns the records that the rows of `selectTenants` describe, by tenant. */
export function tenantRecords(rows: readonly TenantRow[]): Map<string, TenantRecord> {
  const gathered = new Map<string, Gathered>()
  for (const row of rows) {
    let tenant = gathered.get(row.tenant_id)
    if (tenant === undefined) {
      tenant = {
        version: 0,
        disabledAt: null,
        revokedAt: null,
        forgottenUntil: null,
        grants: null,
        secrets: [],
        endedSessions: [],
      }
      gathered.set(row.tenant_id, tenant)
    }
    addRow(tenant, row)
  }
  const records = new Map<string, TenantRecord>()
  for (const [tenant, found] of gathered) {
    found.secrets.sort((a, b) => a.generation - b.generation)
    records.set(tenant, { tenant, ...found })
  }
  return records
}

function addRow(tenant: Gathered, row: TenantRow): void {
  if (row.session_id !== null) {
    tenant.endedSessions.push({ sessionId: row.session_id, until: Number(row.until) })
    return
  }
  tenant.version = Number(row.version)
  tenant.disabledAt = optionalNumber(row.disabled_at)
  tenant.revokedAt = optionalNumber(row.revoked_at)
  tenant.forgottenUntil = optionalNumber(row.forgotten_until)
  tenant.grants = sealedGrants(row.grants_key_id, row.grants_sealed)
  if (row.kid === null) return
  tenant.secrets.push({
    kid: row.kid,
    generation: Number(row.generation),
    algorithm: row.algorithm as HmacAlgorithm,
    masterKeyId: row.master_key_id ?? '',
    sealed: row.sealed ?? '',
    createdAt: Number(row.created_at),
    retiresAt: optionalNumber(row.retires_at),
    reissueRequired: Number(row.reissue_required) === 1,
  })
}

/** Both columns are written together. */
function sealedGrants(masterKeyId: string | null, sealed: string | null): SealedGrants | null {
  return masterKeyId === null ? null : { masterKeyId, sealed: sealed ?? '' }
}

/** Returns the whole number that a driver returns: `pg` returns a bigint as text by default. */
export function optionalNumber(value: number | string | null): number | null {
  return value === null ? null : Number(value)
}
