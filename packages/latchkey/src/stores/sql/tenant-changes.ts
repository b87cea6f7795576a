import type { Change, Decide, EndedSession, SecretRecord, TenantRecord } from '../../secrets/ports.js'
import { keepsSecret, tenantRecord } from '../tenant-record.js'
import { logChange } from './change-log.js'
import type { Dialect } from './dialect.js'
import type { History } from './history.js'
import type { SqlClient } from './sql-client.js'
import { selectTenants, type TenantRow, tenantColumns, tenantRecords } from './tenant-rows.js'

/** The columns that `changeTenant` reads from the rows of its client. */
export const changeColumns: readonly string[] = [...tenantColumns, 'seq', 'history']

/**
 * The outcome of `changeTenant`: the tenant as it is now, and the change for the feed, if there is
 * one.
 */
export interface ChangeOutcome {
  readonly record: TenantRecord | undefined
  readonly change?: Change
}

/** Applies the result of `decide` to the tenant, in the open transaction of `client`. */
export async function changeTenant(
  client: SqlClient,
  dialect: Dialect,
  { tenant, decide, history }: { readonly tenant: string; readonly decide: Decide; readonly history: History },
): Promise<ChangeOutcome> {
  for (;;) {
    const current = await lockTenant(client, dialect, tenant)
    const next = decide(current)
    if (next === current) return { record: current }
    // An absent tenant cannot be locked. Unless changes exclude each other, the first transaction to
    // insert it has the lock; a second one waits for the insert, and then decides again.
    if (current === undefined && !(await insertTenant(client, dialect, tenant))) continue
    // Under the lock, so that the versions of one tenant grow in the order of the commits.
    const version = await logChange(client, dialect, { tenant, history })
    const change = { tenant, version }
    if (next === undefined) {
      await client.query('delete from latchkey_tenants where tenant_id = $1', [tenant])
      return { record: undefined, change }
    }
    const record = tenantRecord(change.tenant, change.version, next)
    await writeTenant(client, dialect, { record, firstKid: keepsSecret(current, next) ? null : firstKidOf(record) })
    await writeSecrets(client, tenant, { current: current?.secrets ?? [], next: record.secrets })
    const sessions = { current: current?.endedSessions ?? [], next: record.endedSessions }
    await writeEndedSessions(client, dialect, { tenant, ...sessions })
    return { record, change }
  }
}

async function lockTenant(client: SqlClient, dialect: Dialect, tenant: string): Promise<TenantRecord | undefined> {
  if (dialect.lockChanges !== '') {
    // Before the tenant: a transaction that changes several takes this lock once, so that no two
    // wait for each other.
    await client.query(dialect.lockChanges)
  } else if (dialect.forUpdate !== '') {
    const lock = `select tenant_id from latchkey_tenants where tenant_id = $1 ${dialect.forUpdate}`
    const { rows } = await client.query(lock, [tenant])
    if (rows.length === 0) return undefined
  }
  // A second statement, because one that waited for the lock sees the other tables as they were
  // before.
  const { rows } = await client.query<TenantRow>(selectTenants('= $1', dialect.lockingRead), [tenant])
  return tenantRecords(rows).get(tenant)
}

async function insertTenant(client: SqlClient, dialect: Dialect, tenant: string): Promise<boolean> {
  const { nowMs, lockChanges, orKeep } = dialect
  const insert = `insert into latchkey_tenants (tenant_id, version, created_at, changed_at) values ($1, 0, ${nowMs}, ${nowMs})`
  if (lockChanges !== '') {
    await client.query(insert, [tenant])
    return true
  }
  const { rows } = await client.query(`${insert} ${orKeep('tenant_id')} returning tenant_id`, [tenant])
  return rows.length > 0
}

/** The empty text, where there is no secret, is that of no session. */
function firstKidOf({ secrets: [first] }: TenantRecord): string {
  return first?.kid ?? ''
}

/** `firstKid`: `null` if it stays the same. */
async function writeTenant(
  client: SqlClient,
  dialect: Dialect,
  { record, firstKid }: { readonly record: TenantRecord; readonly firstKid: string | null },
): Promise<void> {
  await client.query(
    `update latchkey_tenants
     set version = $2, disabled_at = $3, grants_key_id = $4, grants_sealed = $5, revoked_at = $6, forgotten_until = $7,
       first_kid = coalesce($8, first_kid), changed_at = ${dialect.nowMs}
     where tenant_id = $1`,
    [
      record.tenant,
      record.version,
      record.disabledAt,
      record.grants?.masterKeyId ?? null,
      record.grants?.sealed ?? null,
      record.revokedAt,
      record.forgottenUntil,
      firstKid,
    ],
  )
}

interface Difference<T> {
  readonly current: readonly T[]
  readonly next: readonly T[]
}

async function writeSecrets(
  client: SqlClient,
  tenant: string,
  { current, next }: Difference<SecretRecord>,
): Promise<void> {
  const before = new Map(current.map((secret) => [secret.kid, secret]))
  const after = new Set(next.map((secret) => secret.kid))
  for (const { kid } of current) {
    if (!after.has(kid))
      await client.query('delete from latchkey_secrets where kid = $1 and tenant_id = $2', [kid, tenant])
  }
  for (const secret of next) {
    const known = before.get(secret.kid)
    if (known === undefined) await client.query(insertSecret, secretValues(tenant, secret))
    else if (!isSameSecret(known, secret)) await client.query(updateSecret, secretValues(tenant, secret))
  }
}

const insertSecret = `
  insert into latchkey_secrets
    (kid, tenant_id, generation, algorithm, master_key_id, sealed, created_at, retires_at, reissue_required)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`

const updateSecret = `
  update latchkey_secrets set generation = $3, algorithm = $4, master_key_id = $5, sealed = $6, created_at = $7, retires_at = $8,
    reissue_required = $9
  where kid = $1 and tenant_id = $2`

function secretValues(tenant: string, secret: SecretRecord): readonly unknown[] {
  const { kid, generation, algorithm, masterKeyId, sealed, createdAt, retiresAt, reissueRequired } = secret
  return [kid, tenant, generation, algorithm, masterKeyId, sealed, createdAt, retiresAt, reissueRequired ? 1 : 0]
}

function isSameSecret(a: SecretRecord, b: SecretRecord): boolean {
  const others = secretValues('', b)
  return secretValues('', a).every((value, index) => value === others[index])
}

async function writeEndedSessions(
  client: SqlClient,
  { onConflict, inserted }: Dialect,
  { tenant, current, next }: Difference<EndedSession> & { readonly tenant: string },
): Promise<void> {
  const upsert = `
    insert into latchkey_ended_sessions (tenant_id, session_id, until) values ($1, $2, $3)
    ${onConflict('tenant_id, session_id')} until = ${inserted('until')}`
  const before = new Map(current.map((session) => [session.sessionId, session.until]))
  const after = new Set(next.map((session) => session.sessionId))
  for (const { sessionId } of current) {
    if (!after.has(sessionId)) {
      await client.query('delete from latchkey_ended_sessions where tenant_id = $1 and session_id = $2', [
        tenant,
        sessionId,
      ])
    }
  }
  for (const { sessionId, until } of next) {
    if (before.get(sessionId) !== until) await client.query(upsert, [tenant, sessionId, until])
  }
}
