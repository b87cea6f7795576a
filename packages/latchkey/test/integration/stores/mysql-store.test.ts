import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { DatabaseSync } from '@photostructure/sqlite'
import mysql from 'mysql2'
import { type ConnectionOptions, createConnection, createPool } from 'mysql2/promise'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type MariadbServer, startMariadb } from '../../../../../test/support/start-mariadb.js'
import { type MysqlStoreOptions, mysql2Client, mysqlStore } from '../../../src/stores/mysql/index.js'
import { isUniqueViolation, type MigrationSet, type SqlClient, type SqlStore } from '../../../src/stores/sql/index.js'
import { libraryTables } from '../../../src/stores/sql/schema.js'
import { addSecret, range, read, secretOf, stateOf } from '../../../src/testing/store-contract/fixtures.js'
import { Recorder } from '../../../src/testing/store-contract/recorder.js'
import { cleanUpsOfEachTest } from '../../support/clean-ups.js'
import { emptyMariadb, emptySqlite } from '../../support/databases.js'

const accounts: MigrationSet = {
  name: 'accounts',
  migrations: [
    {
      name: 'accounts',
      sql: `create table accounts (id varbinary(255) primary key, email varchar(255) not null unique, created_at bigint not null);
        create table events (seq {identity}, what text not null);`,
    },
  ],
}

const addAccount = 'insert into accounts (id, email, created_at) values ($1, $2, $3)'

let server: MariadbServer
let database: Awaited<ReturnType<typeof emptyMariadb>>
let store: SqlStore<'mysql'>
const cleanUps = cleanUpsOfEachTest()

beforeAll(async () => {
  server = await startMariadb()
})
afterAll(() => server.dispose())

beforeEach(async () => {
  database = await emptyMariadb(server)
  cleanUps.push(() => database.remove())
  store = database.open()
})

const openWith = (options: MysqlStoreOptions) => {
  const opened = mysqlStore(options)
  cleanUps.push(() => opened.close())
  return opened
}

const connect = async (options: ConnectionOptions = {}) => {
  const connection = await createConnection({ uri: database.url, ...options })
  connection.on('error', () => {})
  cleanUps.push(() => connection.end())
  return connection
}

describe('the options of mysqlStore', () => {
  it.each([
    {},
    { connectionString: 'mysql://a@b/c', pool: mysql.createPool({}) },
    { connectionString: 'mysql://a@b/c', max: 0 },
    { connectionString: 'mysql://a@b/c', max: 1.5 },
    { connectionString: 'mysql://a@b/c', database: 'a`; drop database b' },
    { connectionString: 'mysql://a@b/c', database: '' },
  ])('are refused at once: %j', (options) => {
    expect(() => mysqlStore(options)).toThrow(TypeError)
  })

  it('are refused at the first use if the connection string is none', async () => {
    const wrong = openWith({ connectionString: 'no connection string' })
    await expect(wrong.readTenants(['alice'])).rejects.toMatchObject({ code: 'store_unavailable' })
  })
})

describe('the tables of a MySQL store', () => {
  it('must be migrated before any other use', async () => {
    const missing = { code: 'schema_missing' }
    await expect(store.readTenants(['alice'])).rejects.toMatchObject(missing)
    await expect(store.change('alice', addSecret)).rejects.toMatchObject(missing)
    await expect(Recorder.on(store)).rejects.toMatchObject(missing)
    await store.migrate()
    expect(await store.change('alice', addSecret)).toMatchObject({ tenant: 'alice' })
  })

  it('have the columns that they have in the other databases', async () => {
    const sqlite = await emptySqlite()
    cleanUps.push(() => sqlite.remove())
    await Promise.all([store.migrate(), sqlite.open().migrate()])
    const file = new DatabaseSync(sqlite.path)
    for (const table of libraryTables()) {
      const expected = file.prepare('select name from pragma_table_info(?)').all(table) as { name: string }[]
      const { rows } = await store.query<{ name: string }>(
        'select column_name as name from information_schema.columns where table_schema = database() and table_name = $1',
        [table],
      )
      // Each database orders its log by columns of its own.
      const own = ['transaction_id', 'last_change', ...(table === 'latchkey_history' ? ['id'] : [])]
      const names = (columns: readonly { name: string }[]) =>
        columns
          .map(({ name }) => name)
          .filter((name) => !own.includes(name))
          .toSorted()
      expect([table, names(rows)]).toEqual([table, names(expected)])
    }
    file.close()
  })

  it('have no text with a collation', async () => {
    await store.migrate()
    const { rows } = await store.query(
      "select table_name, column_name from information_schema.columns where table_schema = database() and table_name like 'latchkey%' and collation_name is not null",
    )
    expect(rows).toEqual([])
  })

  it('may be created by many processes at once, each step being done once', async () => {
    await Promise.all(range(6).map(() => database.open().migrate(accounts)))
    const { rows } = await store.query<{ set_name: Buffer; number: number }>(
      'select set_name, number from latchkey_migrations order by set_name, number',
    )
    expect(rows.map((row) => [row.set_name.toString(), row.number])).toEqual([
      ['accounts', 1],
      ['latchkey', 1],
    ])
    expect((await store.query('select id from latchkey_history')).rows).toEqual([{ id: 1 }])
  })

  it('are completed after a migration that was interrupted', async () => {
    await store.migrate()
    await store.query("delete from latchkey_migrations where set_name = 'latchkey'")
    await store.query('drop table latchkey_verifiers')
    const again = database.open()
    await again.migrate()
    expect(await again.change('alice', addSecret)).toMatchObject({ tenant: 'alice' })
    expect(await again.verifiers()).toEqual([])
  })

  it('can be migrated after a migration of the caller has failed, whose statements before it are done', async () => {
    const broken = {
      name: 'broken',
      migrations: [{ name: 'x', sql: 'create table x (id int); insert into nowhere values (1);' }],
    }
    await expect(store.migrate(broken)).rejects.toThrow()
    const fixed = { name: 'broken', migrations: [{ name: 'x', sql: 'create table if not exists x (id int);' }] }
    await database.open().migrate(fixed)
    expect((await store.query('select * from x')).rows).toEqual([])
  })

  it('are refused if a newer version has migrated them further', async () => {
    await store.migrate()
    await store.query(
      "insert into latchkey_migrations (set_name, number, name, applied_at) values ('latchkey', 99, '', 0)",
    )
    await expect(database.open().readTenants(['alice'])).rejects.toMatchObject({ code: 'schema_too_new' })
  })

  it('need the right to create tables only if one is missing', async () => {
    const name = new URL(database.url).pathname.slice(1)
    await server.run(`create or replace user app identified by 'secret'`)
    await server.run(`grant select, insert, update, delete on ${name}.* to app`)
    const url = database.url.replace('root@', 'app:secret@')
    const app = openWith({ connectionString: url })
    await expect(app.migrate()).rejects.toMatchObject({ code: 'store_rights_missing' })
    await store.migrate()
    await app.migrate()
    expect(await app.change('alice', addSecret)).toMatchObject({ tenant: 'alice' })
    await server.run(`revoke delete on ${name}.* from app`)
    // A connection keeps the rights that it had.
    const later = openWith({ connectionString: url })
    await expect(later.change('alice', () => undefined)).rejects.toMatchObject({ code: 'store_rights_missing' })
  })
})

describe('a MySQL store', () => {
  beforeEach(() => store.migrate(accounts))

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
    expect((await store.query('select email from accounts')).rows).toEqual([{ email: 'alice@example.com' }])
    expect(await read(store, 'alice')).toBeDefined()
    expect(await read(store, 'bob')).toBeUndefined()
  })

  it('runs no statement after one that failed, whose error was caught', async () => {
    await store.query(addAccount, ['alice', 'alice@example.com', 1])
    const work = store.transaction(async (client) => {
      await client.query("signal sqlstate '40001' set mysql_errno = 1213").catch(() => {})
      // A deadlock has ended the transaction: this statement would be committed by itself.
      await client.query(addAccount, ['bob', 'bob@example.com', 1]).catch(() => {})
    })
    await expect(work).rejects.toMatchObject({ code: 'store_busy' })
    expect((await store.query('select email from accounts')).rows).toEqual([{ email: 'alice@example.com' }])
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
  })

  it('takes and returns texts, bytes, null and whole numbers, and larger ones as text', async () => {
    const { rows } = await store.query(
      "select $1 as text, $2 as whole, $3 as nothing, cast(9007199254740993 as signed) as big, 'it''s $1; -- \\' #' as literal, $1 as again",
      ["ключ '; \\ 😀", Number.MAX_SAFE_INTEGER, null],
    )
    expect(rows).toEqual([
      {
        text: "ключ '; \\ 😀",
        whole: Number.MAX_SAFE_INTEGER,
        nothing: null,
        big: '9007199254740993',
        literal: "it's $1; -- ' #",
        again: "ключ '; \\ 😀",
      },
    ])
    await store.query(addAccount, [new Uint8Array([0, 255, 10]), 'bytes@example.com', Number.MAX_SAFE_INTEGER])
    expect((await store.query('select id, created_at from accounts limit $1', [5])).rows).toEqual([
      { id: Buffer.from([0, 255, 10]), created_at: Number.MAX_SAFE_INTEGER },
    ])
  })

  it('counts its identity up', async () => {
    await store.query("insert into events (what) values ('x'), ('y')")
    expect((await store.query('select seq from events order by seq')).rows).toEqual([{ seq: 1 }, { seq: 2 }])
  })

  it('numbers changes above all earlier ones after a restore from a backup, and delivers no earlier one', async () => {
    const before = await store.change('alice', addSecret)
    await store.beginAfterRestore()
    expect((await store.changesSince(Date.now())).changes).toEqual([])
    const { recorder, feed } = await Recorder.on(store)
    const after = await store.change('bob', addSecret)
    expect(after?.version).toBeGreaterThan(before?.version ?? Number.POSITIVE_INFINITY)
    expect(after?.version).toBeLessThan(Number.MAX_SAFE_INTEGER / 2)
    await recorder.delivered({ tenant: 'bob', version: after?.version ?? 0 })
    await feed.close()
  })

  it('numbers changes in microseconds of its clock, whatever the time zone', async () => {
    const versions: number[] = []
    for (const zone of ['+00:00', '-11:00', '+13:00']) {
      const pool = createPool(database.url)
      pool.pool.on('connection', (connection) => connection.query(`set time_zone = '${zone}'`))
      const zoned = openWith({ pool })
      cleanUps.push(() => pool.end())
      versions.push((await zoned.change(`tenant ${zone}`, addSecret))?.version ?? 0)
    }
    for (const version of versions) expect(Math.abs(version / 1000 - Date.now())).toBeLessThan(60_000)
    expect(versions).toEqual(versions.toSorted((a, b) => a - b))
    // The time of the log is that of the same clock.
    const { rows } = await store.query<{ at: number; seq: number }>('select at, seq from latchkey_changes')
    for (const { at, seq } of rows) expect(Math.abs(at - seq / 1000)).toBeLessThan(60_000)
  })

  it('reports the use of its pool', async () => {
    const narrow = openWith({ connectionString: database.url, max: 4 })
    expect(narrow.poolUse()).toEqual({ max: 4, used: 0, idle: 0, waiting: 0 })
    await narrow.transaction(async () => {
      expect(narrow.poolUse()).toEqual({ max: 4, used: 1, idle: 0, waiting: 0 })
    })
    expect(narrow.poolUse()).toEqual({ max: 4, used: 0, idle: 1, waiting: 0 })
  })

  it('lets a process end that has not closed it', async () => {
    const script = `
      import { mysqlStore } from 'latchkey/mysql'
      const store = mysqlStore({ connectionString: ${JSON.stringify(database.url)} })
      await store.readTenants(['alice'])
      console.log('read')`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
      cwd: import.meta.dirname,
      timeout: 30_000,
    })
    expect(stdout).toBe('read\n')
  })

  it('warns of settings with which a crash of the server undoes commits', async () => {
    const warned: unknown[] = []
    const listen = (warning: Error & { code?: string }) => warned.push(warning.code)
    process.on('warning', listen)
    cleanUps.push(async () => {
      process.off('warning', listen)
      await server.run('set global innodb_flush_log_at_trx_commit = 1')
    })
    await openWith({ connectionString: database.url }).readTenants(['alice'])
    await server.run('set global innodb_flush_log_at_trx_commit = 2')
    await openWith({ connectionString: database.url }).readTenants(['alice'])
    await expect.poll(() => warned).toEqual(['LATCHKEY_MYSQL_NOT_DURABLE'])
  })
})

describe('two tenants whose IDs a collation of MySQL takes for one', () => {
  const pairs = {
    case: ['alice', 'Alice'],
    accent: ['jose', 'josé'],
    'composition of an accent': ['caf\u00e9', 'cafe\u0301'],
    'trailing space': ['bob', 'bob '],
    'leading space': ['bob', ' bob'],
    'trailing tab': ['bob', 'bob\t'],
    NUL: ['carol', 'carol\0'],
    width: ['dave', 'ｄａｖｅ'],
    'sharp s': ['strasse', 'straße'],
    'characters outside the basic plane': ['erin😀', 'erin😁'],
    'characters that latin1 lacks': ['ж', 'я'],
    'zero width': ['frank', 'frank\u200b'],
    number: ['1', '01'],
    'number in another form': ['10', '1e1'],
    'a wildcard': ['grace%', 'gracex'],
  } as const

  beforeEach(() => store.migrate())

  const onStore = (change: (client: SqlClient | undefined) => Promise<unknown>) => change(undefined)

  /** A session with a character set that has few characters, and a collation that ignores case. */
  const onLatin1 = async (change: (client: SqlClient) => Promise<unknown>) => {
    const connection = await connect({ charset: 'latin1' })
    await connection.query("set sql_mode = '', collation_connection = 'latin1_swedish_ci'")
    await connection.beginTransaction()
    await change(mysql2Client(connection))
    await connection.commit()
  }

  it.each(Object.entries(pairs))('are two: %s', async (_difference, [one, other]) => {
    for (const run of [onStore, onLatin1]) {
      const secrets = [secretOf(), secretOf()] as const
      await run((client) => store.change(one, () => stateOf([secrets[0]], [{ sessionId: one, until: 5 }]), client))
      expect(await read(store, other)).toBeUndefined()
      await run((client) => store.change(other, () => stateOf([secrets[1]], [{ sessionId: one, until: 6 }]), client))
      expect(await read(store, one)).toMatchObject({
        tenant: one,
        secrets: [secrets[0]],
        endedSessions: [{ until: 5 }],
      })
      expect(await read(store, other)).toMatchObject({ tenant: other, secrets: [secrets[1]] })
      expect([...(await store.readTenants([one, other])).keys()].toSorted()).toEqual([one, other].toSorted())
      await run((client) => store.change(one, () => undefined, client))
      expect(await read(store, other)).toMatchObject({ secrets: [secrets[1]], endedSessions: [{ until: 6 }] })
      await run((client) => store.change(other, () => undefined, client))
    }
  })

  it.each(Object.entries(pairs))('keep their key IDs and sessions apart: %s', async (_difference, [one, other]) => {
    const state = stateOf(
      [secretOf({ kid: one }), secretOf({ kid: other, generation: 2 })],
      [
        { sessionId: one, until: 5 },
        { sessionId: other, until: 6 },
      ],
    )
    await store.change('heidi', () => state)
    const record = await read(store, 'heidi')
    expect(record?.secrets.map(({ kid }) => kid)).toEqual([one, other])
    expect(record?.endedSessions.map(({ sessionId }) => sessionId).toSorted()).toEqual([one, other].toSorted())
    expect([...(await store.readByKid([other])).keys()]).toEqual([other])
  })

  it('and an ID that is too long is refused, also in a session that would shorten it', async () => {
    const long = 'x'.repeat(766)
    await expect(store.change(long, addSecret)).rejects.toThrow()
    const connection = await connect()
    await connection.query("set sql_mode = ''")
    await connection.beginTransaction()
    await expect(store.change(long, addSecret, mysql2Client(connection))).rejects.toThrow()
    await connection.commit()
    const [modes] = await connection.query('select @@sql_mode as mode')
    expect(modes).toEqual([{ mode: '' }])
    const pool = createPool(database.url)
    pool.pool.on('connection', (connection) => connection.query("set sql_mode = ''"))
    cleanUps.push(() => pool.end())
    await expect(openWith({ pool }).change(long, addSecret)).rejects.toThrow()
    const [rows] = await pool.query('select @@sql_mode as mode, @@innodb_lock_wait_timeout as wait')
    expect(rows).toEqual([{ mode: '', wait: 50 }])
    expect((await store.query('select tenant_id from latchkey_tenants')).rows).toEqual([])
  })
})

describe('a change in the transaction of the caller', () => {
  beforeEach(() => store.migrate())

  it.each(['read uncommitted', 'read committed', 'repeatable read', 'serializable'])(
    'decides on the newest rows, at %s, although an older snapshot is open',
    async (level) => {
      await store.change('alice', addSecret)
      const connection = await connect()
      await connection.query(`set session transaction isolation level ${level}`)
      await connection.query('start transaction with consistent snapshot')
      await store.change('alice', addSecret)
      await store.change('bob', addSecret)
      const client = mysql2Client(connection)
      await store.change('alice', addSecret, client)
      await store.change('bob', addSecret, client)
      await store.change('carol', addSecret, client)
      await connection.commit()
      expect((await read(store, 'alice'))?.secrets.length).toBe(3)
      expect((await read(store, 'bob'))?.secrets.length).toBe(2)
      expect((await read(store, 'carol'))?.secrets.length).toBe(1)
    },
  )

  it('is delivered after the commit, and not at all after a rollback', async () => {
    const { recorder, feed } = await Recorder.on(store)
    const connection = await connect()
    const client = mysql2Client(connection)
    await connection.beginTransaction()
    await store.change('alice', addSecret, client)
    await recorder.proof()
    expect(recorder.changes).toEqual([])
    await connection.rollback()
    await connection.beginTransaction()
    const bob = await store.change('bob', addSecret, client)
    await connection.commit()
    await recorder.delivered({ tenant: 'bob', version: bob?.version ?? 0 })
    await feed.close()
    expect(recorder.changes).toEqual([{ tenant: 'bob', version: bob?.version }])
    expect(await read(store, 'alice')).toBeUndefined()
  })

  it('takes connections of both APIs, single and of a pool', async () => {
    const callbacks = mysql.createConnection(database.url)
    const promises = await connect()
    const pool = createPool(database.url)
    const pooled = await pool.getConnection()
    cleanUps.push(async () => {
      callbacks.destroy()
      pooled.release()
      await pool.end()
    })
    await new Promise((resolve) => callbacks.beginTransaction(resolve))
    await store.change('callbacks', addSecret, mysql2Client(callbacks))
    await new Promise((resolve) => callbacks.commit(resolve))
    for (const connection of [promises, pooled]) {
      await connection.beginTransaction()
      await store.change('promises', addSecret, mysql2Client(connection))
      await connection.commit()
    }
    expect((await read(store, 'callbacks'))?.secrets.length).toBe(1)
    expect((await read(store, 'promises'))?.secrets.length).toBe(2)
  })

  it('is refused without an open transaction, on a pool, and on a connection that is not wrapped', async () => {
    const connection = await connect()
    const pool = createPool(database.url)
    cleanUps.push(() => pool.end())
    await expect(store.change('alice', addSecret, mysql2Client(connection))).rejects.toThrow(TypeError)
    expect(() => mysql2Client(pool as never)).toThrow(TypeError)
    expect(() => mysql2Client(pool.pool as never)).toThrow(TypeError)
    expect(() => mysql2Client({} as never)).toThrow(TypeError)
    await connection.beginTransaction()
    await expect(store.change('alice', addSecret, connection as never)).rejects.toThrow(TypeError)
    await expect(store.change('alice', addSecret, { query: async () => [] } as never)).rejects.toThrow(TypeError)
    await connection.rollback()
    expect(await read(store, 'alice')).toBeUndefined()
  })

  it('leaves the transaction as it was if it fails', async () => {
    const connection = await connect()
    await connection.query('create table notes (body varchar(10))')
    await connection.beginTransaction()
    await connection.query("insert into notes values ('kept')")
    const failing = store.change('alice', () => stateOf([secretOf({ kid: 'x'.repeat(300) })]), mysql2Client(connection))
    await expect(failing).rejects.toThrow()
    await connection.commit()
    expect((await store.query('select body from notes')).rows).toEqual([{ body: 'kept' }])
    expect((await store.query('select tenant_id from latchkey_tenants')).rows).toEqual([])
    expect((await store.query('select seq from latchkey_changes')).rows).toEqual([])
  })

  it('uses the tables of the store, whatever database the connection has selected', async () => {
    const placed = openWith({ connectionString: server.url, database: new URL(database.url).pathname.slice(1) })
    const connection = await createConnection(server.url)
    cleanUps.push(() => connection.end())
    await connection.beginTransaction()
    await placed.change('alice', addSecret, mysql2Client(connection))
    await connection.commit()
    expect((await read(store, 'alice'))?.secrets.length).toBe(1)
  })
})

describe('the log of a MySQL store', () => {
  beforeEach(() => store.migrate())

  /** Many writers, whose transactions begin and end in different orders. */
  it('delivers every change of many concurrent transactions to a reader that polls all the time', async () => {
    const reader = database.open()
    const { recorder, feed } = await Recorder.on(reader, 1)
    const written: { tenant: string; version: number }[] = []
    await Promise.all(
      range(8).map(async (writer) => {
        const own = database.open()
        for (const round of range(15)) {
          const tenant = `tenant-${writer}-${round}`
          const version = await own.transaction(async (client) => {
            const record = await own.change(tenant, addSecret, client)
            await client.query(`do sleep(${(Math.random() * 0.02).toFixed(3)})`)
            return record?.version ?? 0
          })
          written.push({ tenant, version })
          feed.check()
        }
      }),
    )
    for (const change of written) await recorder.delivered(change)
    await feed.close()
  })

  it('is in the order of the commits: no change below one that is committed is still open', async () => {
    const [first, second] = [await connect(), await connect()]
    await first.beginTransaction()
    await second.beginTransaction()
    const early = await store.change('early', addSecret, mysql2Client(first))
    const late = store.change('late', addSecret, mysql2Client(second))
    const isWaiting = await Promise.race([
      late.then(() => false),
      new Promise((resolve) => setTimeout(resolve, 300, true)),
    ])
    expect(isWaiting).toBe(true)
    await first.commit()
    const record = await late
    await second.commit()
    expect(record?.version).toBeGreaterThan(early?.version ?? Number.POSITIVE_INFINITY)
  })

  it('does not let transactions deadlock that change tenants in opposite orders', async () => {
    const changeBoth = (names: readonly string[]) =>
      store.transaction(async (client) => {
        for (const name of names) await store.change(name, addSecret, client)
      })
    await Promise.all(range(20).map((n) => changeBoth(n % 2 === 0 ? ['alice', 'bob'] : ['bob', 'alice'])))
    expect((await read(store, 'alice'))?.secrets.length).toBe(20)
    expect((await read(store, 'bob'))?.secrets.length).toBe(20)
  })
})
