import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startPostgres } from '../../../../../test/support/start-postgres.js'
import { systemClock } from '../../../src/clock.js'
import { isLatchkeyError } from '../../../src/errors.js'
import { postgresStore } from '../../../src/stores/postgres/index.js'
import type { SqlStore } from '../../../src/stores/sql/index.js'
import { addSecret, read } from '../../../src/testing/store-contract/fixtures.js'
import { emptyPostgres } from '../../support/databases.js'
import { setUp } from '../../support/setup.js'

/** Returns the code of the failure, or the SQLSTATE of a driver's error. */
async function codeOf(work: () => Promise<unknown>): Promise<unknown> {
  try {
    await work()
    return 'done'
  } catch (error) {
    return isLatchkeyError(error) || error instanceof pg.DatabaseError ? error.code : error
  }
}

describe('a statement that PostgreSQL refuses', () => {
  let database: Awaited<ReturnType<typeof emptyPostgres>>
  let store: SqlStore

  beforeAll(async () => {
    database = await emptyPostgres()
    store = database.open()
    await store.migrate()
  })
  afterAll(() => database.remove())

  const raise = (state: string) => `do $$ begin raise exception 'by the test' using errcode = '${state}'; end $$`

  it.each([
    ['store_unavailable', '08000 08003 08006 08P01 0A000 25006 25P03 25P04 26000 28000 28P01 3D000 40003 42P05'],
    ['store_unavailable', '53000 53100 53200 53300 53400 55000 57P01 57P02 57P03 57P04 57P05 58000 58030 F0000 XX000'],
    ['store_busy', '40000 40001 40P01 55006 55P03 57014 72000'],
    ['store_rights_missing', '3F000 42501'],
    ['schema_missing', '42P01'],
    ['data_corrupt', 'XX001 XX002'],
  ])('fails with %s if the state of the database is the cause: %s', async (code, states) => {
    for (const state of states.split(' ')) {
      const outcomes = [
        await codeOf(() => store.query(raise(state))),
        await codeOf(() => store.transaction((client) => client.query(raise(state)))),
      ]
      expect([state, ...outcomes]).toEqual([state, code, code])
    }
    expect(await codeOf(() => store.query('select 1'))).toBe('done')
  })

  it('fails with the error of the driver if the statement is the cause', async () => {
    const states = '21000 22001 22021 22P02 22P05 23502 23503 23505 25P01 40002 42601 42703 42883 44000 54000 P0001'
    for (const state of states.split(' ')) expect(await codeOf(() => store.query(raise(state)))).toBe(state)
  })

  it('fails with the error of the server as its cause', async () => {
    await expect(store.query('select 1 from no_such_table')).rejects.toMatchObject({
      code: 'schema_missing',
      cause: { code: '42P01' },
    })
  })

  it('keeps the connection if that still works', async () => {
    const pool = new pg.Pool({ connectionString: database.url, max: 1 })
    const narrow = postgresStore({ pool, listenConnectionString: database.url })
    const backend = async () => (await narrow.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]?.pid
    const first = await backend()
    for (const state of ['42501', '42P01', '55P03', '57014']) await codeOf(() => narrow.query(raise(state)))
    expect(await backend()).toBe(first)
    // The columns of its prepared statements may have changed, or its server may be a standby.
    await codeOf(() => narrow.query(raise('0A000')))
    expect(await backend()).not.toBe(first)
    await narrow.close()
    await pool.end()
  })
})

describe('a standby', () => {
  it('is unavailable for every change, and blames no role', { timeout: 60_000 }, async () => {
    const primary = await startPostgres()
    const migrated = postgresStore({ connectionString: primary.url })
    await migrated.migrate()
    await migrated.close()
    const replica = await primary.replicate()
    const store = postgresStore({ connectionString: replica.url })
    try {
      const outcomes = {
        transaction: await codeOf(() => store.transaction(async () => {})),
        migrate: await codeOf(() => store.migrate()),
        insert: await codeOf(() => store.query("insert into latchkey_tenants (tenant_id, version) values ('a', 1)")),
        lock: await codeOf(() => store.query('select 1 from latchkey_history for update')),
        function: await codeOf(() => store.query('select pg_current_wal_lsn()')),
        change: await codeOf(() => store.change('alice', addSecret)),
        read: await codeOf(() => store.readTenants(['alice'])),
      }
      expect(new Set(Object.values(outcomes))).toEqual(new Set(['store_unavailable']))
    } finally {
      await store.close()
      await replica.dispose()
      await primary.dispose()
    }
  })
})

describe('a role without the rights of an owner', () => {
  let database: Awaited<ReturnType<typeof emptyPostgres>>
  let owner: SqlStore
  let role: string
  let url: string

  beforeAll(async () => {
    database = await emptyPostgres()
    owner = database.open()
    role = `app_${crypto.randomUUID().slice(0, 8)}`
    await owner.query(`create role ${role} login password 'secret'`)
    await owner.query('revoke create on schema public from public')
    const address = new URL(database.url)
    address.username = role
    address.password = 'secret'
    url = address.href
  })
  afterAll(async () => {
    await owner.query(`drop owned by ${role}`)
    await owner.query(`drop role ${role}`)
    await database.remove()
  })

  it('cannot create the tables, and works once their owner has created them and granted four rights', async () => {
    const store = postgresStore({ connectionString: url })
    expect(await codeOf(() => store.migrate())).toBe('store_rights_missing')
    expect(await codeOf(() => store.readTenants(['alice']))).toBe('schema_missing')
    await owner.migrate()
    expect(await codeOf(() => store.migrate())).toBe('store_rights_missing')
    expect(await codeOf(() => store.readTenants(['alice']))).toBe('store_rights_missing')
    await owner.query(`grant select on all tables in schema public to ${role}`)
    expect(await codeOf(() => store.change('alice', addSecret))).toBe('store_rights_missing')
    await owner.query(`grant insert, update, delete on all tables in schema public to ${role}`)
    await store.migrate()
    await store.change('alice', addSecret)
    expect((await read(store, 'alice'))?.secrets.length).toBe(1)
    await store.change('alice', () => undefined)
    const { latchkey, keys } = setUp({ store, clock: systemClock })
    await keys.ready()
    const { token } = await latchkey.issue({ subject: 'bob' })
    expect(await latchkey.verify(token)).toMatchObject({ subject: 'bob' })
    await keys.revoke('bob')
    expect(await codeOf(async () => latchkey.verify(token))).toBe('token_revoked')
    await keys.prune()
    await latchkey.close()
    await store.close()
  })

  it('gets the same code if it may not use the schema', async () => {
    await owner.query('revoke usage on schema public from public')
    const store = postgresStore({ connectionString: url })
    expect(await codeOf(() => store.migrate())).toBe('store_rights_missing')
    await store.close()
  })
})
