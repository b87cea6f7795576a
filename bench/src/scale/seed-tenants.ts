import type { SqlClient } from 'latchkey/sql'

/** The size of a table or an index on disk. */
export interface TableSize {
  readonly name: string
  readonly kind: 'table' | 'index'
  readonly bytes: number
}

const step = 1_000_000

/** IDs like the server's (UUIDv7): later ones are greater. */
const tenantId = `(select substr(ts, 1, 8) || '-' || substr(ts, 9, 4) || '-7' || substr(r, 1, 3) || '-a' || substr(r, 4, 3) || '-' || substr(r, 7, 12)
  from (select lpad(to_hex(1700000000000 + n), 12, '0') as ts, md5(n::text) as r) parts)`

/** Text of the right length that compresses no better than real values. */
const kid = "substr(translate(encode(sha256(('kid' || n)::bytea), 'base64'), '+/=', '-_'), 1, 32)"
const sealed = "substr(translate(encode(sha512(n::text::bytea), 'base64') || md5(n::text), '+/=', '-_'), 1, 80)"

/** Runs a statement. */
export type RunSql = (text: string) => Promise<void>

/**
 * Fills empty tables with tenants that have one secret each, with SQL alone. Indexes and foreign
 * keys are dropped first and created again afterwards, as in a bulk load.
 */
export async function seedTenants(client: SqlClient, run: RunSql, tenants: number): Promise<void> {
  const { rows } = await client.query<{ drop: string; make: string }>(`
    select format('alter table %s drop constraint %I', conrelid::regclass, conname) as drop,
      format('alter table %s add constraint %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) as make
    from pg_constraint where conrelid in ('latchkey_tenants'::regclass, 'latchkey_secrets'::regclass)
      or confrelid = 'latchkey_tenants'::regclass
    order by contype = 'f' desc`)
  const indexes = await client.query<{ drop: string; make: string }>(`
    select format('drop index %s', indexrelid::regclass) as drop, pg_get_indexdef(indexrelid) as make
    from pg_index where indrelid in ('latchkey_tenants'::regclass, 'latchkey_secrets'::regclass)
      and not exists (select from pg_constraint where conindid = indexrelid)`)
  for (const { drop } of [...rows, ...indexes.rows]) await run(drop)
  for (let from = 1; from <= tenants; from += step) {
    const numbers = `generate_series(${from}, ${Math.min(from + step - 1, tenants)}) n`
    await run(`insert into latchkey_tenants (tenant_id, version, created_at, changed_at)
      select ${tenantId}, n, 1700000000000 + n, 1700000000000 + n from ${numbers}`)
    await run(`insert into latchkey_secrets
      (kid, tenant_id, generation, algorithm, master_key_id, sealed, created_at, reissue_required)
      select ${kid}, ${tenantId}, 1, 'HS256', 'k1', ${sealed}, 1700000000000 + n, 0 from ${numbers}`)
  }
  for (const { make } of [...indexes.rows, ...rows.toReversed()]) await run(make)
  await run('vacuum (analyze) latchkey_tenants, latchkey_secrets')
}

/** Returns the size of each table and index, the largest first. */
export async function readSizes(client: SqlClient): Promise<readonly TableSize[]> {
  const { rows } = await client.query<{ name: string; kind: 'table' | 'index'; bytes: string }>(`
    select relname as name, case relkind when 'r' then 'table' else 'index' end as kind, pg_relation_size(oid) as bytes
    from pg_class where relname like 'latchkey%' and relkind in ('r', 'i') and pg_relation_size(oid) > 100000 order by 3 desc`)
  return rows.map(({ name, kind, bytes }) => ({ name, kind, bytes: Number(bytes) }))
}
