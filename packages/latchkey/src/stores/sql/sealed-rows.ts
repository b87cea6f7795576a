import type { HmacAlgorithm } from '../../jws/algorithms.js'
import type { Resealer, SealedSetting } from '../../secrets/ports.js'
import type { Dialect } from './dialect.js'
import { lockKeyPairs, readKeyPairs } from './key-pair-rows.js'
import type { SqlClient } from './sql-client.js'
import { optionalNumber } from './tenant-rows.js'

interface SettingRow {
  readonly name: string
  readonly master_key_id: string
  readonly sealed: string
}

export async function readSetting(client: SqlClient, name: string): Promise<SealedSetting | undefined> {
  const { rows } = await client.query<SettingRow>(
    'select name, master_key_id, sealed from latchkey_settings where name = $1',
    [name],
  )
  return rows.map(settingOf)[0]
}

export async function readSettings(client: SqlClient): Promise<readonly SealedSetting[]> {
  const { rows } = await client.query<SettingRow>('select name, master_key_id, sealed from latchkey_settings')
  return rows.map(settingOf)
}

/** Replaces the settings with the result of `decide`, in the open transaction of `client`. */
export async function changeSettings(
  client: SqlClient,
  dialect: Dialect,
  decide: (current: readonly SealedSetting[]) => readonly SealedSetting[],
): Promise<{ readonly settings: readonly SealedSetting[]; readonly hasChanged: boolean }> {
  const { lockSettings, onConflict, inserted } = dialect
  if (lockSettings !== '') await client.query(lockSettings)
  const current = await readSettings(client)
  const next = decide(current)
  if (next === current) return { settings: current, hasChanged: false }
  const kept = new Set(next.map(({ name }) => name))
  for (const { name } of current) {
    if (!kept.has(name)) await client.query('delete from latchkey_settings where name = $1', [name])
  }
  for (const { name, masterKeyId, sealed } of next) {
    await client.query(
      `insert into latchkey_settings (name, master_key_id, sealed) values ($1, $2, $3)
       ${onConflict('name')} master_key_id = ${inserted('master_key_id')}, sealed = ${inserted('sealed')}`,
      [name, masterKeyId, sealed],
    )
  }
  return { settings: next, hasChanged: true }
}

/** Inserts the setting unless one of its name exists. */
export async function addSetting(
  client: SqlClient,
  { orKeep }: Dialect,
  { name, masterKeyId, sealed }: SealedSetting,
): Promise<void> {
  await client.query(
    `insert into latchkey_settings (name, master_key_id, sealed) values ($1, $2, $3) ${orKeep('name')}`,
    [name, masterKeyId, sealed],
  )
}

/**
 * Returns the IDs of the master keys that seal any value. There may be millions of secrets and
 * grants, so the query steps from one distinct ID to the next along the index instead of reading
 * every row.
 */
export async function readMasterKeyIds(client: SqlClient): Promise<readonly string[]> {
  const { rows } = await client.query<{ id: string }>(`
    with recursive ${distinctIds('secret_ids', 'latchkey_secrets', 'master_key_id')},
      ${distinctIds('grants_ids', 'latchkey_tenants', 'grants_key_id')}
    select id from secret_ids where id is not null
    union select id from grants_ids where id is not null
    union select master_key_id from latchkey_settings
    union select master_key_id from latchkey_key_pairs`)
  return rows.map((row) => row.id)
}

function distinctIds(name: string, table: string, column: string): string {
  return `${name} (id) as (
      select min(${column}) from ${table} where ${column} is not null
      union all
      select (select min(t.${column}) from ${table} t where t.${column} > ${name}.id) from ${name}
      where ${name}.id is not null
    )`
}

/** Adds to the number of values that the master key has sealed. */
export async function countSeals(
  client: SqlClient,
  { onConflict, inserted }: Dialect,
  { masterKeyId, count }: { readonly masterKeyId: string; readonly count: number },
): Promise<void> {
  await client.query(
    `insert into latchkey_master_key_use (master_key_id, seals) values ($1, $2)
     ${onConflict('master_key_id')} seals = latchkey_master_key_use.seals + ${inserted('seals')}`,
    [masterKeyId, count],
  )
}

/** Returns the number of values that each master key has sealed. */
export async function readSealCounts(client: SqlClient): Promise<ReadonlyMap<string, number>> {
  const { rows } = await client.query<{ id: string; seals: number | string }>(
    'select master_key_id as id, seals from latchkey_master_key_use',
  )
  return new Map(rows.map(({ id, seals }) => [id, Number(seals)]))
}

/** One step of a re-seal. */
export interface ResealStep {
  readonly masterKeyId: string
  readonly limit: number
  readonly reseal: Resealer
}

/**
 * Re-seals up to `limit` values that are not sealed under `masterKeyId`, in the open transaction of
 * `client`. Returns their number.
 */
export async function resealRows(client: SqlClient, dialect: Dialect, step: ResealStep): Promise<number> {
  const others = (await readMasterKeyIds(client)).filter((id) => id !== step.masterKeyId)
  for (const from of others) {
    // A transaction locks tenants only once: a second set of locks could violate their order.
    const ofTenants =
      (await resealSecrets(client, dialect, { ...step, from })) ||
      (await resealGrants(client, dialect, { ...step, from }))
    if (ofTenants > 0) return ofTenants
  }
  let done = await resealSettings(client, dialect, step)
  if (done < step.limit) done += await resealKeyPairs(client, dialect, { ...step, limit: step.limit - done })
  return done
}

interface SecretRow {
  readonly kid: string
  readonly tenant_id: string
  readonly generation: number | string
  readonly algorithm: string
  readonly master_key_id: string
  readonly sealed: string
  readonly created_at: number | string
  readonly retires_at: number | string | null
  readonly reissue_required: number | string
}

async function resealSecrets(
  client: SqlClient,
  dialect: Dialect,
  { from, limit, reseal }: ResealStep & { readonly from: string },
): Promise<number> {
  const due = await client.query<{ kid: string; tenant_id: string }>(
    'select kid, tenant_id from latchkey_secrets where master_key_id = $1 limit $2',
    [from, limit],
  )
  await lockTenants(client, dialect, [...new Set(due.rows.map((row) => row.tenant_id))])
  const { rows } = await client.query<SecretRow>(
    `select kid, tenant_id, generation, algorithm, master_key_id, sealed, created_at, retires_at, reissue_required
     from latchkey_secrets where master_key_id = $1 and kid ${dialect.isAmong('$2')}`,
    [from, dialect.list(due.rows.map((row) => row.kid))],
  )
  for (const row of rows) {
    const { masterKeyId, sealed } = reseal.secret(row.tenant_id, {
      kid: row.kid,
      generation: Number(row.generation),
      algorithm: row.algorithm as HmacAlgorithm,
      masterKeyId: row.master_key_id,
      sealed: row.sealed,
      createdAt: Number(row.created_at),
      retiresAt: optionalNumber(row.retires_at),
      reissueRequired: Number(row.reissue_required) === 1,
    })
    await client.query('update latchkey_secrets set master_key_id = $2, sealed = $3 where kid = $1', [
      row.kid,
      masterKeyId,
      sealed,
    ])
  }
  return due.rows.length
}

interface GrantsRow {
  readonly tenant_id: string
  readonly version: number | string
  readonly grants_key_id: string
  readonly grants_sealed: string
}

async function resealGrants(
  client: SqlClient,
  dialect: Dialect,
  { from, limit, reseal }: ResealStep & { readonly from: string },
): Promise<number> {
  const due = await client.query<{ tenant_id: string }>(
    'select tenant_id from latchkey_tenants where grants_key_id = $1 limit $2',
    [from, limit],
  )
  const tenants = due.rows.map((row) => row.tenant_id)
  await lockTenants(client, dialect, tenants)
  const { rows } = await client.query<GrantsRow>(
    `select tenant_id, version, grants_key_id, grants_sealed from latchkey_tenants
     where grants_key_id = $1 and tenant_id ${dialect.isAmong('$2')}`,
    [from, dialect.list(tenants)],
  )
  for (const row of rows) {
    const sealed = { masterKeyId: row.grants_key_id, sealed: row.grants_sealed }
    const resealed = reseal.grants(row.tenant_id, Number(row.version), sealed)
    await client.query('update latchkey_tenants set grants_key_id = $2, grants_sealed = $3 where tenant_id = $1', [
      row.tenant_id,
      resealed.masterKeyId,
      resealed.sealed,
    ])
  }
  return due.rows.length
}

/**
 * Takes the lock that a change of each tenant takes, in one order: two transactions that need
 * several locks then wait for each other instead of deadlocking.
 */
async function lockTenants(client: SqlClient, dialect: Dialect, tenants: readonly string[]): Promise<void> {
  if (dialect.forUpdate === '') return
  const among = dialect.isAmong('$1')
  await client.query(
    `select tenant_id from latchkey_tenants where tenant_id ${among} order by tenant_id ${dialect.forUpdate}`,
    [dialect.list(tenants)],
  )
}

async function resealSettings(client: SqlClient, dialect: Dialect, step: ResealStep): Promise<number> {
  const { rows } = await client.query<SettingRow>(
    `select name, master_key_id, sealed from latchkey_settings where master_key_id <> $1 order by name limit $2 ${dialect.forUpdate}`,
    [step.masterKeyId, step.limit],
  )
  for (const row of rows) {
    const { name, masterKeyId, sealed } = step.reseal.setting(settingOf(row))
    await client.query('update latchkey_settings set master_key_id = $2, sealed = $3 where name = $1', [
      name,
      masterKeyId,
      sealed,
    ])
  }
  return rows.length
}

async function resealKeyPairs(client: SqlClient, dialect: Dialect, step: ResealStep): Promise<number> {
  await lockKeyPairs(client, dialect)
  const due = (await readKeyPairs(client)).filter((pair) => pair.masterKeyId !== step.masterKeyId).slice(0, step.limit)
  for (const pair of due) {
    const { masterKeyId, sealed } = step.reseal.keyPair(pair)
    await client.query('update latchkey_key_pairs set master_key_id = $2, sealed = $3 where kid = $1', [
      pair.kid,
      masterKeyId,
      sealed,
    ])
  }
  return due.length
}

function settingOf(row: SettingRow): SealedSetting {
  return { name: row.name, masterKeyId: row.master_key_id, sealed: row.sealed }
}
