import 'reflect-metadata'
import knex from 'knex'
import { Kysely, PostgresDialect } from 'kysely'
import { createLatchkey, Keyring, type TenantSecrets } from 'latchkey'
import type { SqlClient, SqlStore } from 'latchkey/sql'
import pg from 'pg'
import postgres from 'postgres'
import { DataSource } from 'typeorm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runBlock } from '../../../../../test/support/run-block.js'
import { createTestDatabase, type TestDatabase } from '../../../../../test/support/test-database.js'
import { outcomeOf } from '../../support/setup.js'

type Revoke<Library> = (library: Library, keys: TenantSecrets<SqlClient>, id: string) => Promise<void>

describe('docs/guides/your-orm.md', () => {
  const path = 'docs/guides/your-orm.md'
  const before = { ...process.env }
  let database: TestDatabase
  let store: SqlStore
  let keys: TenantSecrets<SqlClient>
  let latchkey: ReturnType<typeof createLatchkey>

  beforeAll(async () => {
    database = await createTestDatabase()
    process.env.DATABASE_URL = database.url
    process.env.LATCHKEY_MASTER_KEYS = Keyring.generate('test')
    ;({ store, keys } = await runBlock<{ store: SqlStore; keys: TenantSecrets<SqlClient> }>(path))
    latchkey = createLatchkey({ issuer: 'https://issuer.test', audience: 'test', keys })
    await store.query('create table users (id text primary key, email text)')
    await store.query("insert into users (id, email) values ('ada', 'ada@example.com')")
  })

  afterAll(async () => {
    process.env = before
    await latchkey.close()
    await store.close()
    await database.drop()
  })

  it('keeps the tables of the library in their own schema', async () => {
    const { rows } = await store.query<{ table_schema: string }>(
      "select distinct table_schema from information_schema.tables where table_name like 'latchkey%'",
    )
    expect(rows).toEqual([{ table_schema: 'latchkey' }])
  })

  it('changes an address with Drizzle and revokes, or does neither', async () => {
    const { db, changeEmail } = await runBlock<{
      db: { readonly $client: pg.Pool }
      changeEmail(keys: TenantSecrets<SqlClient>, id: string, email: string): Promise<void>
    }>(path, 1)
    const emails = async () => (await store.query('select email from users')).rows
    expect(await outcomeOf(() => changeEmail(keys, 'ada', 'new@example.com'))).toBe('tenant_unknown')
    expect(await emails()).toEqual([{ email: 'ada@example.com' }])
    const { token } = await latchkey.issue({ subject: 'ada' })
    await changeEmail(keys, 'ada', 'new@example.com')
    expect(await emails()).toEqual([{ email: 'new@example.com' }])
    expect(await outcomeOf(() => latchkey.verify(token))).toBe('token_revoked')
    await db.$client.end()
  })

  it('revokes with the other libraries', async () => {
    const { url } = database
    const block = await runBlock<{
      withKysely: Revoke<Kysely<object>>
      withKnex: Revoke<ReturnType<typeof knex>>
      withPostgresJs: Revoke<postgres.Sql>
      withTypeorm: Revoke<DataSource>
    }>(path, 2)
    const kysely = new Kysely<object>({
      dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: url }) }),
    })
    const builder = knex({ client: 'pg', connection: url })
    const sql = postgres(url)
    const source = await new DataSource({ type: 'postgres', url }).initialize()
    const works = [
      () => block.withKysely(kysely, keys, 'ada'),
      () => block.withKnex(builder, keys, 'ada'),
      () => block.withPostgresJs(sql, keys, 'ada'),
      () => block.withTypeorm(source, keys, 'ada'),
    ]
    for (const work of works) {
      const { token } = await latchkey.issue({ subject: 'ada' })
      await work()
      await keys.waitForPropagation()
      expect(await outcomeOf(() => latchkey.verify(token))).toBe('token_revoked')
    }
    await Promise.all([kysely.destroy(), builder.destroy(), sql.end(), source.destroy()])
  })
})
