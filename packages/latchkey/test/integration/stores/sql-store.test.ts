import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isUniqueViolation, type MigrationSet, type SqlStore } from '../../../src/stores/sql/index.js'
import { addSecret, range, read } from '../../../src/testing/store-contract/fixtures.js'
import { Recorder } from '../../../src/testing/store-contract/recorder.js'
import { type EmptyDatabase, emptyPostgres, emptySqlite } from '../../support/databases.js'

const accounts: MigrationSet = {
  name: 'accounts',
  migrations: [
    {
      name: 'accounts',
      sql: 'create table accounts (id text primary key, email text not null unique, created_at bigint not null);',
    },
    {
      name: 'events',
      sql: 'create table events (seq {identity}, what text not null); create index what on events (what);',
    },
  ],
}

const addAccount = 'insert into accounts (id, email, created_at) values ($1, $2, $3)'

for (const [name, create] of Object.entries({ emptySqlite, emptyPostgres })) {
  describe(`an SQL store (${name})`, () => {
    let database: EmptyDatabase
    let store: SqlStore

    beforeEach(async () => {
      database = await create()
      store = database.open()
    })

    afterEach(() => database.remove())

    describe('that was not migrated', () => {
      it('refuses every use until it is', async () => {
        const missing = { code: 'schema_missing' }
        await expect(store.readTenants(['alice'])).rejects.toMatchObject(missing)
        await expect(store.change('alice', addSecret)).rejects.toMatchObject(missing)
        await expect(store.readKeyPairs()).rejects.toMatchObject(missing)
        await expect(store.masterKeyIds()).rejects.toMatchObject(missing)
        await expect(Recorder.on(store)).rejects.toMatchObject(missing)
        await store.migrate()
        expect(await store.change('alice', addSecret)).toMatchObject({ tenant: 'alice' })
      })
    })

    describe('migrated', () => {
      beforeEach(() => store.migrate(accounts))

      it('numbers changes above all earlier ones after a restore from a backup, and delivers no earlier one', async () => {
        const before = await store.change('alice', addSecret)
        await store.beginAfterRestore()
        expect((await store.changesSince(Date.now())).changes).toEqual([])
        const { recorder, feed } = await Recorder.on(store)
        const after = await store.change('bob', addSecret)
        // Years of changes, at a thousand in each millisecond.
        expect(after?.version).toBeGreaterThan((before?.version ?? 0) + 1_000_000_000_000_000)
        expect(after?.version).toBeLessThan(Number.MAX_SAFE_INTEGER / 2)
        await recorder.delivered({ tenant: 'bob', version: after?.version ?? 0 })
        await feed.close()
        await store.beginAfterRestore()
        expect((await store.change('bob', addSecret))?.version ?? 0).toBeGreaterThanOrEqual(after?.version ?? 0)
      })

      it('may be migrated again by many processes at once, each step being done once', async () => {
        const more = {
          ...accounts,
          migrations: [...accounts.migrations, { name: 'more', sql: 'create table more (id text);' }],
        }
        await Promise.all(range(6).map(() => database.open().migrate(more)))
        const { rows } = await store.query<{ set_name: string; number: number }>(
          'select set_name, number from latchkey_migrations order by set_name, number',
        )
        expect(rows.filter((row) => row.set_name === 'accounts').map((row) => row.number)).toEqual([1, 2, 3])
        const own = rows.filter((row) => row.set_name === 'latchkey').map((row) => row.number)
        expect(own).toEqual(range(own.length).map((index) => index + 1))
      })

      it('leaves no trace of a migration that fails', async () => {
        const broken = {
          name: 'broken',
          migrations: [{ name: 'x', sql: 'create table x (id text); insert into nowhere values (1);' }],
        }
        await expect(store.migrate(broken)).rejects.toThrow()
        await expect(store.query('select * from x')).rejects.toThrow()
        await store.migrate({ name: 'broken', migrations: [{ name: 'x', sql: 'create table x (id text);' }] })
      })

      it('refuses a database that a newer version has migrated further', async () => {
        const tooNew = { code: 'schema_too_new' }
        await expect(store.migrate({ ...accounts, migrations: accounts.migrations.slice(0, 1) })).rejects.toMatchObject(
          tooNew,
        )
        await store.query(
          "insert into latchkey_migrations (set_name, number, name, applied_at) values ('latchkey', 99, '', 0)",
        )
        const older = database.open()
        await expect(older.migrate()).rejects.toMatchObject(tooNew)
        await expect(older.readTenants(['alice'])).rejects.toMatchObject(tooNew)
      })

      it('accepts a database that a newer version has migrated, if every newer migration can be ignored', async () => {
        const add = (number: number, runsFrom: number) => ({
          name: `step ${number}`,
          sql: `alter table accounts add column step_${number} text;`,
          runsFrom,
        })
        const newer = { ...accounts, migrations: [...accounts.migrations, add(3, 1), add(4, 2)] }
        await store.migrate(newer)
        const oldest = { ...accounts, migrations: accounts.migrations.slice(0, 1) }
        await database.open().migrate(accounts)
        await expect(database.open().migrate(oldest)).rejects.toMatchObject({ code: 'schema_too_new' })
        await store.query(addAccount, ['alice', 'alice@example.com', 1])
        await store.migrate({ ...newer, migrations: [...newer.migrations, add(5, 4)] })
        await expect(database.open().migrate(accounts)).rejects.toMatchObject({ code: 'schema_too_new' })
        await database.open().migrate(newer)
      })

      it("refuses a migration set with the library's own name", async () => {
        await expect(store.migrate({ name: 'latchkey', migrations: [] })).rejects.toThrow(TypeError)
      })

      it('commits the rows of the caller and the change of a tenant together, or neither', async () => {
        const failure = new Error('Failed by the test.')
        const signUp = (id: string, fails: boolean) =>
          store.transaction(async (client) => {
            await client.query(addAccount, [id, `${id}@example.com`, 1])
            await store.change(id, addSecret, client)
            if (fails) throw failure
          })
        await signUp('alice', false)
        await expect(signUp('bob', true)).rejects.toBe(failure)
        const { rows } = await store.query('select id from accounts')
        expect(rows).toEqual([{ id: 'alice' }])
        expect(await read(store, 'alice')).toBeDefined()
        expect(await read(store, 'bob')).toBeUndefined()
      })

      it('reports a unique violation, of a primary key and of another column', async () => {
        await store.query(addAccount, ['alice', 'alice@example.com', 1])
        for (const values of [
          ['alice', 'else@example.com', 1],
          ['bob', 'alice@example.com', 1],
        ]) {
          expect(await store.query(addAccount, values).catch(isUniqueViolation)).toBe(true)
        }
        expect(await store.query(addAccount, ['bob', null, 1]).catch(isUniqueViolation)).toBe(false)
        expect(isUniqueViolation(new Error('another one'))).toBe(false)
      })

      it('throws the error of the database for a statement of the caller', async () => {
        const error = await store.query('select * from accounts where nonsense = 1').catch((error: unknown) => error)
        expect(error).toBeInstanceOf(Error)
        expect(error).not.toMatchObject({ code: 'store_unavailable' })
      })

      it('does not commit a transaction in which a statement failed, although its error was caught', async () => {
        await store.query(addAccount, ['alice', 'alice@example.com', 1])
        const { recorder, feed } = await Recorder.on(store)
        const work = store.transaction(async (client) => {
          await store.change('bob', addSecret, client)
          await client.query(addAccount, ['alice', 'alice@example.com', 1]).catch(() => {})
        })
        expect(await work.catch(isUniqueViolation)).toBe(true)
        expect(await read(store, 'bob')).toBeUndefined()
        await recorder.proof()
        await feed.close()
        expect(recorder.changes).toEqual([])
      })

      it('refuses a client whose transaction has ended', async () => {
        const ended = await store.transaction(async (client) => client)
        await expect(ended.query('select 1 as one')).rejects.toThrow(TypeError)
        await expect(store.change('alice', addSecret, ended)).rejects.toThrow()
        expect(await read(store, 'alice')).toBeUndefined()
      })

      it('refuses a store in the place of a transaction', async () => {
        await expect(store.change('alice', addSecret, store)).rejects.toThrow(TypeError)
      })

      it('returns whole numbers as numbers, the rows of statements with returning, and none of others', async () => {
        const inserted = await store.query(`${addAccount} returning id, created_at`, [
          'alice',
          'a@example.com',
          1_767_225_600_000,
        ])
        expect(inserted.rows).toEqual([{ id: 'alice', created_at: 1_767_225_600_000 }])
        expect((await store.query('select count(*) as accounts from accounts')).rows).toEqual([{ accounts: 1 }])
        expect((await store.query('update accounts set email = $1 where id = $1', ['alice'])).rows).toEqual([])
      })

      it('counts its identity up and never reuses a number', async () => {
        const add = "insert into events (what) values ('x') returning seq"
        await store.query(add)
        const second = await store.query<{ seq: number }>(add)
        await store.query('delete from events')
        const third = await store.query<{ seq: number }>(add)
        expect(third.rows[0]?.seq).toBeGreaterThan(second.rows[0]?.seq ?? Number.POSITIVE_INFINITY)
      })

      it('deletes every row of a forgotten tenant', async () => {
        await store.change('alice', (current) => ({
          ...addSecret(current),
          endedSessions: [{ sessionId: 'phone', until: 1 }],
        }))
        await store.change('alice', () => undefined)
        const { rows } = await store.query(
          'select kid from latchkey_secrets union all select session_id from latchkey_ended_sessions union all select tenant_id from latchkey_tenants',
        )
        expect(rows).toEqual([])
      })
    })
  })
}
