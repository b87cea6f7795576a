import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/clock.js'
import { type PostgresStoreOptions, postgresStore } from '../../../src/stores/postgres/index.js'
import type { SqlStore } from '../../../src/stores/sql/index.js'
import { addSecret, range, read } from '../../../src/testing/store-contract/fixtures.js'
import { cleanUpsOfEachTest } from '../../support/clean-ups.js'
import { emptyPostgres, migratedDatabase } from '../../support/databases.js'
import { outcomeOf, setUp } from '../../support/setup.js'

describe('a PostgreSQL store among other transactions', () => {
  let database: Awaited<ReturnType<typeof emptyPostgres>>
  let store: SqlStore
  const cleanUps = cleanUpsOfEachTest()

  beforeEach(async () => {
    database = await migratedDatabase(cleanUps, emptyPostgres)
    store = database.open()
  })

  const openWith = (options: PostgresStoreOptions) => {
    const opened = postgresStore(options)
    cleanUps.push(() => opened.close())
    return opened
  }

  const connect = async () => {
    const client = new pg.Client({ connectionString: database.url })
    client.on('error', () => {})
    await client.connect()
    cleanUps.push(() => client.end())
    return client
  }

  /** A transaction of the application that locks the row of this tenant and continues. */
  const lockTenant = async (tenant: string) => {
    const client = await connect()
    await client.query('begin')
    await client.query('select from latchkey_tenants where tenant_id = $1 for update', [tenant])
    return client
  }

  /**
   * Not in the transaction that holds the lock, because a transaction sees the activity of one
   * moment.
   */
  const countWaiting = async (): Promise<number> => {
    const { rows } = await store.query<{ waiting: number }>(
      `select count(*) as waiting from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    )
    return Number(rows[0]?.waiting)
  }

  const waitForLock = async () => {
    while ((await countWaiting()) === 0) await sleep(10)
  }

  /** The next change of a tenant fails in the server with this SQLSTATE, later ones do not. */
  const failOnce = async (state: string) => {
    await store.query('create sequence if not exists failures')
    await store.query(
      `create or replace function fail_once() returns trigger language plpgsql as $$
       begin
         if nextval('failures') = 1 then raise exception 'by the test' using errcode = '${state}'; end if;
         return new;
       end $$`,
    )
    await store.query(
      'create trigger fail_once before insert on latchkey_changes for each row execute function fail_once()',
    )
  }

  it('fails as store_busy on a tenant whose row stays locked, and leaves no backend waiting', async () => {
    await store.change('locked', addSecret)
    const holder = await lockTenant('locked')
    const changes = range(6).map(() => outcomeOf(() => store.change('locked', addSecret)))
    await waitForLock()
    expect((await read(store, 'locked'))?.secrets.length).toBe(1)
    expect(new Set(await Promise.all(changes))).toEqual(new Set(['store_busy']))
    expect(await countWaiting()).toBe(0)
    await holder.query('rollback')
    expect((await store.change('locked', addSecret))?.secrets.length).toBe(2)
  })

  it('reads and changes all other tenants meanwhile, however often the locked one is changed', async () => {
    const { latchkey, keys } = setUp({ store, clock: systemClock })
    cleanUps.push(() => latchkey.close())
    const tokens = await Promise.all(
      range(40).map(async (n) => (await latchkey.issue({ subject: `tenant-${n}` })).token),
    )
    await keys.provision('locked')
    const other = setUp({ store: openWith({ connectionString: database.url, max: 4 }), clock: systemClock })
    cleanUps.push(() => other.latchkey.close())
    await other.keys.ready()
    const holder = await lockTenant('locked')
    const revoking = range(30).map(() => outcomeOf(() => other.keys.revoke('locked')))
    await waitForLock()
    for (const token of tokens) expect(await other.latchkey.verify(token)).toMatchObject({ claims: {} })
    await other.keys.revoke('tenant-0')
    await holder.query('rollback')
    expect(await Promise.all(revoking)).toEqual(range(30).map(() => undefined))
  })

  it('keeps connections for reads when many tenants are locked at once', async () => {
    const narrow = openWith({ connectionString: database.url, max: 4 })
    await Promise.all(range(8).map((n) => store.change(`tenant-${n}`, addSecret)))
    const holder = await connect()
    await holder.query('begin')
    await holder.query('select from latchkey_tenants for update')
    const changes = range(8).map((n) => outcomeOf(() => narrow.change(`tenant-${n}`, addSecret)))
    await waitForLock()
    for (const n of range(8)) expect((await read(narrow, `tenant-${n}`))?.secrets.length).toBe(1)
    await holder.query('rollback')
    expect(await Promise.all(changes)).toHaveLength(8)
  })

  it('retries a change that was the victim of a deadlock', async () => {
    await store.change('alice', addSecret)
    const holder = await connect()
    // The server looks for deadlocks once in each wait, and ends the transaction that finds one. The
    // change looks after three seconds, when the holder waits in any case, and the holder later.
    await holder.query("set deadlock_timeout = '1min'")
    const url = new URL(database.url)
    url.searchParams.set('options', '-c deadlock_timeout=3s')
    const victim = openWith({ connectionString: url.href })
    await holder.query('begin')
    await holder.query(`select from latchkey_secrets where tenant_id = 'alice' for update`)
    const change = victim.change('alice', (current) => ({
      disabledAt: null,
      revokedAt: null,
      forgottenUntil: null,
      endedSessions: [],
      grants: null,
      secrets: (current?.secrets ?? []).map((secret) => ({ ...secret, retiresAt: 7 })),
    }))
    await waitForLock()
    await holder.query(`select from latchkey_tenants where tenant_id = 'alice' for update`)
    await holder.query('commit')
    expect((await change)?.secrets[0]?.retiresAt).toBe(7)
  })

  it.each(['40001', '40P01', '55P03', '57014'])('retries its own transaction after SQLSTATE %s', async (state) => {
    await failOnce(state)
    expect((await store.change('alice', addSecret))?.secrets.length).toBe(1)
    expect((await read(store, 'alice'))?.secrets.length).toBe(1)
  })

  it.each(['40001', '40P01', '55P03', '57014'])(
    'names SQLSTATE %s in a transaction of the caller, and makes nothing again',
    async (state) => {
      await failOnce(state)
      let decisions = 0
      const decide: typeof addSecret = (current) => {
        decisions += 1
        return addSecret(current)
      }
      const named = { code: 'store_busy', cause: { code: state } }
      await expect(store.transaction((client) => store.change('alice', decide, client))).rejects.toMatchObject(named)
      await store.query('alter sequence failures restart')
      const client = await connect()
      await client.query('begin')
      await expect(store.change('alice', decide, client)).rejects.toMatchObject(named)
      await client.query('rollback')
      expect(decisions).toBe(2)
      expect(await read(store, 'alice')).toBeUndefined()
    },
  )

  it('lets a migration wait for another one for longer than a change waits for a lock', async () => {
    const holder = await connect()
    await holder.query('begin')
    await holder.query('select pg_advisory_xact_lock(7809651199139603833)')
    const migrating = database.open().migrate()
    await sleep(4500)
    await holder.query('commit')
    await migrating
  })

  it('is unavailable when a pool of the caller without a limit lends no connection', async () => {
    const pool = new pg.Pool({ connectionString: database.url, max: 1 })
    cleanUps.push(() => pool.end())
    const narrow = openWith({ pool, listenConnectionString: database.url })
    const kept = await pool.connect()
    await expect(narrow.readTenants(['alice'])).rejects.toMatchObject({ code: 'store_unavailable' })
    kept.release()
    expect((await narrow.readTenants(['alice'])).size).toBe(0)
    expect(pool.idleCount).toBe(pool.totalCount)
  })
})
