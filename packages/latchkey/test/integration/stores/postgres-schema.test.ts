import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startPgBouncer } from '../../../../../test/support/start-pgbouncer.js'
import { type PostgresStoreOptions, postgresStore } from '../../../src/stores/postgres/index.js'
import { libraryTables } from '../../../src/stores/sql/schema.js'
import { addSecret, range, read } from '../../../src/testing/store-contract/fixtures.js'
import { Recorder } from '../../../src/testing/store-contract/recorder.js'
import { cleanUpsOfEachTest } from '../../support/clean-ups.js'
import { emptyPostgres } from '../../support/databases.js'

const cleanUps = cleanUpsOfEachTest()
let database: Awaited<ReturnType<typeof emptyPostgres>>
let admin: pg.Client
let schema: string

beforeAll(async () => {
  database = await emptyPostgres()
  admin = new pg.Client({ connectionString: database.url })
  await admin.connect()
})

afterAll(async () => {
  await admin.end()
  await database.remove()
})

beforeEach(() => {
  schema = `schema_${randomBytes(4).toString('hex')}`
})

const open = (options: Partial<PostgresStoreOptions> = {}) => {
  const store = postgresStore({ connectionString: database.url, schema, ...options })
  cleanUps.push(() => store.close())
  return store
}

/** Returns the names in a schema, of the kind that `pg_class` names by this letter. */
async function namesIn(name: string, kind: string): Promise<readonly string[]> {
  const { rows } = await admin.query<{ relname: string }>(
    'select relname from pg_class where relnamespace = to_regnamespace($1) and relkind = $2 order by relname',
    [name, kind],
  )
  return rows.map(({ relname }) => relname)
}

describe('a PostgreSQL store with a schema', () => {
  it('creates the schema, and has all its tables, sequences and indexes in it', async () => {
    await open().migrate()
    expect(await namesIn(schema, 'r')).toEqual(libraryTables().toSorted())
    expect(await namesIn(schema, 'S')).toEqual(['latchkey_changes_seq_seq'])
    expect((await namesIn(schema, 'i')).length).toBeGreaterThan(libraryTables().length)
    expect(await namesIn('public', 'r')).toEqual([])
  })

  it('migrates at once in several processes', async () => {
    await Promise.all(range(4).map(() => open().migrate()))
    expect((await open().change('alice', addSecret))?.secrets).toHaveLength(1)
  })

  it('is not affected by a store in another schema of the database', async () => {
    const [one, two] = [open(), open({ schema: `${schema}_other` })]
    await one.migrate()
    await expect(two.readTenants(['alice'])).rejects.toMatchObject({ code: 'schema_missing' })
    await two.migrate()
    const { recorder, feed } = await Recorder.on(two, 60_000)
    await admin.query(`listen latchkey_log_${schema}_other`)
    const notified: unknown[] = []
    const note = (message: pg.Notification) => void notified.push(message)
    admin.on('notification', note)
    const alice = await one.change('alice', addSecret)
    await one.beginAfterRestore()
    await one.change('alice', addSecret)
    const bob = await two.change('bob', addSecret)
    await recorder.delivered({ tenant: 'bob', version: bob?.version ?? 0 })
    await expect.poll(() => notified).toHaveLength(1)
    admin.off('notification', note)
    await feed.close()
    expect(recorder.changes).toEqual([{ tenant: 'bob', version: bob?.version }])
    expect(recorder.events.filter(({ kind }) => kind === 'lost')).toEqual([])
    expect(await read(two, 'alice')).toBeUndefined()
    expect(bob?.version).toBe(alice?.version)
  })

  it('wakes the other processes of its schema at once', async () => {
    const [writer, reader] = [open(), open()]
    await writer.migrate()
    const { recorder, feed } = await Recorder.on(reader, 60_000)
    const alice = await writer.change('alice', addSecret)
    await recorder.delivered({ tenant: 'alice', version: alice?.version ?? 0 })
    await feed.close()
  })

  it('works through PgBouncer in transaction mode', async () => {
    const pooler = await startPgBouncer(database.url, 'transaction')
    cleanUps.push(() => pooler.dispose())
    const store = open({ connectionString: pooler.url })
    await store.migrate()
    await Promise.all(range(20).map((number) => store.change(`tenant-${number % 4}`, addSecret)))
    expect((await read(store, 'tenant-0'))?.secrets).toHaveLength(5)
  })

  it('migrates in a schema of its role, which may create no other', async () => {
    await admin.query(`create role ${schema}_owner login password 'secret'`)
    await admin.query(`create schema ${schema} authorization ${schema}_owner`)
    const url = new URL(database.url)
    url.username = `${schema}_owner`
    url.password = 'secret'
    const owned = open({ connectionString: url.href })
    await owned.migrate()
    expect((await owned.change('alice', addSecret))?.secrets).toHaveLength(1)
    await expect(open({ connectionString: url.href, schema: `${schema}_other` }).migrate()).rejects.toMatchObject({
      code: 'store_rights_missing',
    })
  })

  it('leaves the tables of the caller in the search path', async () => {
    const sql = `create table ${schema}_notes (id {identity}, author text references ${schema}.latchkey_tenants)`
    const notes = { name: `${schema} notes`, migrations: [{ name: 'notes', sql }] }
    const store = open()
    await store.migrate(notes)
    await store.migrate(notes)
    await store.query(`insert into ${schema}_notes (author) values (null)`)
    expect(await namesIn('public', 'r')).toContain(`${schema}_notes`)
  })

  it('opens what a store without a schema has created in public, and wakes it', async () => {
    const former = postgresStore({ connectionString: database.url })
    cleanUps.push(() => former.close())
    await former.migrate()
    const { recorder, feed } = await Recorder.on(former, 60_000)
    const alice = await open({ schema: 'public' }).change('alice', addSecret)
    await recorder.delivered({ tenant: 'alice', version: alice?.version ?? 0 })
    await feed.close()
    expect(await read(former, 'alice')).toEqual(alice)
  })

  it('opens tables that were moved into it', async () => {
    const former = postgresStore({ connectionString: database.url })
    cleanUps.push(() => former.close())
    await former.migrate()
    const carol = await former.change('carol', addSecret)
    await admin.query(`create schema ${schema}`)
    for (const table of await namesIn('public', 'r')) {
      if (table.startsWith('latchkey_')) await admin.query(`alter table ${table} set schema ${schema}`)
    }
    const store = open()
    await store.migrate()
    expect(await read(store, 'carol')).toEqual(carol)
    const later = await store.change('carol', addSecret)
    expect(later?.version).toBeGreaterThan(carol?.version ?? 0)
    expect(await namesIn(schema, 'S')).toEqual(['latchkey_changes_seq_seq'])
  })

  it('takes names that are words of SQL, and refuses those that need care', async () => {
    const store = open({ schema: 'user' })
    await store.migrate()
    expect((await store.change('alice', addSecret))?.secrets).toHaveLength(1)
    const refused = ['', 'a"b', "a'b", 'a b', 'a-b', 'a.b', 'A', '1a', 'é', 'pg_keys', 'information_schema', 'a\n']
    for (const schema of [...refused, 'a'.repeat(51)]) expect(() => open({ schema })).toThrow(TypeError)
    expect(() => open({ schema: ['keys'] as unknown as string })).toThrow(TypeError)
    await open({ schema: 'a'.repeat(50) }).migrate()
  })
})
