import { setTimeout as sleep } from 'node:timers/promises'
import { createConnection, createPool } from 'mysql2/promise'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type MariadbServer, startMariadb } from '../../../../../test/support/start-mariadb.js'
import { startTcpProxy } from '../../../../../test/support/tcp-proxy.js'
import { systemClock } from '../../../src/clock.js'
import { isLatchkeyError } from '../../../src/errors.js'
import { createLatchkey } from '../../../src/latchkey.js'
import { type MysqlStoreOptions, mysql2Client, mysqlStore } from '../../../src/stores/mysql/index.js'
import type { SqlStore } from '../../../src/stores/sql/index.js'
import { tenantSecrets } from '../../../src/tenant-secrets/tenant-secrets.js'
import { addSecret, range, read } from '../../../src/testing/store-contract/fixtures.js'
import { cleanUpsOfEachTest } from '../../support/clean-ups.js'
import { emptyMariadb } from '../../support/databases.js'
import { masterKeys, outcomeOf } from '../../support/setup.js'

const maxStaleness = 1000

/** Longer than a verifier may use its data, and detect that it is stale. */
const longEnough = () => sleep(maxStaleness + 100)

const cleanUps = cleanUpsOfEachTest()

const openWith = (options: MysqlStoreOptions) => {
  const opened = mysqlStore(options)
  cleanUps.push(() => opened.close())
  return opened
}

/** One process of an application, ready to verify. */
async function start(url: string) {
  const store = mysqlStore({ connectionString: url })
  const keys = tenantSecrets({ store, masterKeys, maxStaleness, clock: systemClock })
  const latchkey = createLatchkey({ issuer: 'https://issuer.test', audience: 'test', keys, clock: systemClock })
  cleanUps.push(async () => {
    await latchkey.close()
    await store.close()
  })
  await keys.ready()
  const outcome = async (token: string) => {
    const answer = await outcomeOf(() => latchkey.verify(token))
    return typeof answer === 'object' ? 'accepted' : answer
  }
  const issue = async (subject: string) => (await latchkey.issue({ subject })).token
  return { store, keys, outcome, issue }
}

/** Returns the code of the failure, or the number of a driver's error. */
async function codeOf(work: () => Promise<unknown>): Promise<unknown> {
  try {
    await work()
    return 'done'
  } catch (error) {
    if (isLatchkeyError(error)) return error.code
    return error instanceof Error && 'errno' in error ? error.errno : error
  }
}

describe('a MySQL store', () => {
  let server: MariadbServer
  let database: Awaited<ReturnType<typeof emptyMariadb>>
  let store: SqlStore<'mysql'>

  beforeAll(async () => {
    server = await startMariadb()
  })
  afterAll(() => server.dispose())

  beforeEach(async () => {
    database = await emptyMariadb(server)
    cleanUps.push(() => database.remove())
    store = database.open()
    await store.migrate()
  })

  const connect = async () => {
    const connection = await createConnection(database.url)
    connection.on('error', () => {})
    cleanUps.push(() => connection.end().catch(() => {}))
    return connection
  }

  const raise = (number: number) => `signal sqlstate 'HY000' set mysql_errno = ${number}, message_text = 'by the test'`

  it.each([
    ['store_unavailable', '1021 1026 1030 1037 1038 1040 1041 1045 1047 1049 1053 1114 1129 1135 1152 1158 1159 1160'],
    ['store_unavailable', '1161 1180 1184 1203 1226 1243 1290 1461 1637 1698 1792 1836 1927 3100 3118 3168 3169 4031'],
    ['store_busy', '1020 1205 1213 1317 1412 1615 1969 3024 3058 3101 3572'],
    ['store_rights_missing', '1044 1142 1143 1227 1370'],
    ['schema_missing', '1146'],
    ['data_corrupt', '1034 1035 1194 1195 1712 1877'],
  ])('fails with %s if the state of the database is the cause: %s', async (code, numbers) => {
    for (const number of numbers.split(' ')) {
      const outcomes = [
        await codeOf(() => store.query(raise(Number(number)))),
        await codeOf(() => store.transaction((client) => client.query(raise(Number(number))))),
      ]
      expect([number, ...outcomes]).toEqual([number, code, code])
    }
    expect(await codeOf(() => store.query('select 1'))).toBe('done')
  })

  it('fails with the error of the driver if the statement is the cause', async () => {
    for (const number of [1048, 1054, 1062, 1064, 1264, 1406, 1451, 1452, 3819]) {
      expect(await codeOf(() => store.query(raise(number)))).toBe(number)
    }
  })

  it('keeps the connection if that still works', async () => {
    const narrow = openWith({ connectionString: database.url, max: 1 })
    const session = async () => (await narrow.query<{ id: number }>('select connection_id() as id')).rows[0]?.id
    const first = await session()
    for (const number of [1142, 1146, 1205, 1213, 1317, 1064]) await codeOf(() => narrow.query(raise(number)))
    expect(await session()).toBe(first)
    await codeOf(() => narrow.query(raise(1290)))
    expect(await session()).not.toBe(first)
  })

  it('fails as store_busy while another transaction holds the log, reads on, and leaves no session waiting', async () => {
    await store.change('alice', addSecret)
    const holder = await connect()
    await holder.beginTransaction()
    await store.change('bob', addSecret, mysql2Client(holder))
    const changes = range(6).map((n) => outcomeOf(() => store.change(`tenant-${n}`, addSecret)))
    await sleep(300)
    expect((await read(store, 'alice'))?.secrets.length).toBe(1)
    expect(await read(store, 'bob')).toBeUndefined()
    expect(new Set(await Promise.all(changes))).toEqual(new Set(['store_busy']))
    const waiting = "select count(*) as waiting from information_schema.innodb_trx where trx_state = 'LOCK WAIT'"
    await expect.poll(() => server.run(waiting)).toEqual([{ waiting: 0 }])
    await holder.rollback()
    expect((await store.change('alice', addSecret))?.secrets.length).toBe(2)
  })

  it('tries again after a deadlock', async () => {
    await store.query('create table failures (seq int auto_increment primary key) engine = myisam')
    await store.query(
      `create trigger fail_once before insert on latchkey_changes for each row
       begin
         insert into failures () values ();
         if (select count(*) from failures) <= 2 then ${raise(1213)}; end if;
       end`,
    )
    expect(await store.change('alice', addSecret)).toMatchObject({ tenant: 'alice' })
    expect((await store.query('select count(*) as failures from failures')).rows).toEqual([{ failures: 3 }])
  })

  it('is the victim of a deadlock in the transaction of the caller, who gets store_busy', async () => {
    await store.change('alice', addSecret)
    const [one, other] = [await connect(), await connect()]
    await one.query('create table notes (id int primary key, body text)')
    await one.query("insert into notes values (1, ''), (2, ''), (3, ''), (4, '')")
    await one.beginTransaction()
    await other.beginTransaction()
    await one.query("update notes set body = 'one' where id = 1")
    // InnoDB rolls back the transaction that has changed less.
    for (const id of [2, 3, 4]) await other.query("update notes set body = 'other' where id = ?", [id])
    await store.change('bob', addSecret, mysql2Client(other))
    const waiting = codeOf(() => store.change('alice', addSecret, mysql2Client(one)))
    await sleep(200)
    await other.query("update notes set body = 'other' where id = 1")
    await other.commit()
    expect(await waiting).toBe('store_busy')
    expect((await read(store, 'bob'))?.secrets.length).toBe(1)
  })

  it('commits nothing of a transaction whose connection is killed', async () => {
    const work = store.transaction(async (client) => {
      await store.change('alice', addSecret, client)
      const { rows } = await client.query<{ id: number }>('select connection_id() as id')
      await server.run(`kill ${rows[0]?.id}`)
      await store.change('bob', addSecret, client)
    })
    expect(await codeOf(() => work)).toBe('store_unavailable')
    expect((await store.readTenants(['alice', 'bob'])).size).toBe(0)
    expect(await store.change('alice', addSecret)).toMatchObject({ tenant: 'alice' })
  })

  it('fails as store_busy for a statement that is cancelled', async () => {
    const sleeping = codeOf(() =>
      store.transaction(async (client) => {
        const { rows } = await client.query<{ id: number }>('select connection_id() as id')
        setTimeout(() => void server.run(`kill query ${rows[0]?.id}`), 200)
        await client.query('select * from information_schema.tables where sleep(1) = 1')
      }),
    )
    expect(await sleeping).toBe('store_busy')
  })

  it('keeps connections for reads, and waits for a connection for a limited time', async () => {
    const narrow = openWith({ connectionString: database.url, max: 2 })
    await narrow.readTenants(['alice'])
    let finish = () => {}
    const long = narrow.transaction(() => new Promise<void>((resolve) => (finish = resolve)))
    const second = codeOf(() => narrow.transaction(async () => {}))
    expect((await narrow.readTenants(['alice'])).size).toBe(0)
    expect(narrow.poolUse()).toMatchObject({ max: 2, waiting: 1 })
    expect(await second).toBe('store_busy')
    finish()
    await long
    const pool = createPool({ uri: database.url, connectionLimit: 1 })
    cleanUps.push(() => pool.end())
    const taken = await pool.getConnection()
    expect(await codeOf(() => openWith({ pool }).readTenants(['alice']))).toBe('store_unavailable')
    taken.release()
  })

  it('is unavailable while the server has no connection left, or refuses the password', async () => {
    await server.run(`create or replace user few identified by 'secret' with max_user_connections 1`)
    await server.run(`grant all on ${new URL(database.url).pathname.slice(1)}.* to few`)
    const url = database.url.replace('root@', 'few:secret@')
    const connection = await createConnection(url)
    cleanUps.push(() => connection.end())
    expect(await codeOf(() => openWith({ connectionString: url }).readTenants(['alice']))).toBe('store_unavailable')
    const wrong = database.url.replace('root@', 'few:wrong@')
    expect(await codeOf(() => openWith({ connectionString: wrong }).readTenants(['alice']))).toBe('store_unavailable')
  })

  it('reads a rotated password when the old one is refused, and closes what it opened before', async () => {
    const name = new URL(database.url).pathname.slice(1)
    await server.run(`create or replace user rotated identified by 'one'`)
    await server.run(`grant all on ${name}.* to rotated`)
    let password = 'one'
    const rotating = openWith({ connectionString: () => database.url.replace('root@', `rotated:${password}@`), max: 2 })
    await rotating.readTenants(['alice'])
    password = 'two'
    await server.run(`alter user rotated identified by 'two'`)
    const ids = await server.run("select id from information_schema.processlist where user = 'rotated'")
    for (const { id } of ids) await server.run(`kill ${id}`)
    await expect.poll(() => codeOf(() => rotating.readTenants(['alice']))).toBe('done')
    await rotating.close()
    await expect
      .poll(() => server.run("select count(*) as open from information_schema.processlist where user = 'rotated'"))
      .toEqual([{ open: 0 }])
  })

  it('fails after a few seconds on a half-open connection, and works on a new one', async () => {
    const proxy = await startTcpProxy(database.url)
    cleanUps.push(() => proxy.close())
    const far = openWith({ connectionString: proxy.url })
    await far.change('alice', addSecret)
    proxy.freeze()
    expect(await codeOf(() => far.readTenants(['alice']))).toBe('store_unavailable')
    expect((await read(far, 'alice'))?.secrets.length).toBe(1)
    proxy.block()
    expect(await codeOf(() => far.readTenants(['alice']))).toBe('store_unavailable')
    proxy.unblock()
    expect((await read(far, 'alice'))?.secrets.length).toBe(1)
  })

  it('reports a commit whose answer is lost as store_unavailable', async () => {
    const proxy = await startTcpProxy(database.url)
    cleanUps.push(() => proxy.close())
    const far = openWith({ connectionString: proxy.url })
    await far.readTenants(['alice'])
    proxy.meddle((data) => {
      if (data.includes('commit')) proxy.freeze('from the server')
      return data
    })
    expect(await codeOf(() => far.transaction((client) => far.change('alice', addSecret, client)))).toBe(
      'store_unavailable',
    )
    expect((await read(store, 'alice'))?.secrets.length).toBe(1)
  })

  it('refuses every change while the server only reads, for a user with special rights as well', async () => {
    const app = await start(database.url)
    const token = await app.issue('alice')
    await server.run('set global read_only = 1')
    cleanUps.push(() => server.run('set global read_only = 0').then(() => {}))
    await server.run(`create or replace user plain identified by 'secret'`)
    await server.run(`grant all on ${new URL(database.url).pathname.slice(1)}.* to plain`)
    const plain = database.url.replace('root@', 'plain:secret@')
    for (const url of [database.url, plain]) {
      const reading = openWith({ connectionString: url })
      expect(await codeOf(() => reading.change('alice', addSecret))).toBe('store_unavailable')
      expect(await codeOf(() => reading.beginAfterRestore())).toBe('store_unavailable')
      expect(await codeOf(() => reading.readTenants(['alice']))).toBe('store_unavailable')
    }
    await longEnough()
    expect(await app.outcome(token)).toBe('store_unavailable')
    await server.run('set global read_only = 0')
    await expect.poll(() => app.outcome(token)).toBe('accepted')
  })

  it('revokes within its bound in every process', async () => {
    const [one, other] = [await start(database.url), await start(database.url)]
    const token = await one.issue('alice')
    expect(await other.outcome(token)).toBe('accepted')
    await one.keys.revoke('alice')
    await longEnough()
    expect(await other.outcome(token)).toBe('token_revoked')
    const again = await one.issue('alice')
    expect(await other.outcome(again)).toBe('accepted')
    const startedAt = performance.now()
    await one.keys.revoke('alice', { everywhere: true })
    expect(performance.now() - startedAt).toBeLessThan(maxStaleness)
    expect(await other.outcome(again)).toBe('token_revoked')
  })
})

describe('a MySQL server', () => {
  let server: MariadbServer
  let url: string

  beforeEach(async () => {
    server = await startMariadb('--log-bin', '--sync-binlog=1')
    cleanUps.push(() => server.dispose())
    url = await server.createDatabase()
    const store = mysqlStore({ connectionString: url })
    await store.migrate()
    await store.close()
  })

  it('that crashed has every acknowledged change, and verifiers continue', async () => {
    const app = await start(url)
    const token = await app.issue('alice')
    await app.keys.revoke('alice')
    await server.crash()
    expect(await codeOf(() => app.store.readTenants(['alice']))).toBe('store_unavailable')
    await server.start()
    await expect.poll(() => codeOf(() => app.store.readTenants(['alice']))).toBe('done')
    expect(await app.outcome(token)).toBe('token_revoked')
    const again = await app.issue('alice')
    await expect.poll(() => app.outcome(again)).toBe('accepted')
  })

  it('that does not answer for a while makes no verifier accept on stale data', async () => {
    const app = await start(url)
    const token = await app.issue('alice')
    server.freeze()
    await longEnough()
    expect(await app.outcome(token)).toBe('store_unavailable')
    server.thaw()
    await expect.poll(() => app.outcome(token)).toBe('accepted')
  })

  it('that was set back to a backup has no number that was used before, also without beginAfterRestore', async () => {
    const store = openWith({ connectionString: url })
    await store.change('alice', addSecret)
    const restore = await server.backUp()
    const lost: number[] = []
    const later = openWith({ connectionString: url })
    for (const n of range(5)) lost.push((await later.change(`tenant-${n}`, addSecret))?.version ?? 0)
    await restore()
    await server.start()
    const restored = openWith({ connectionString: url })
    const next = await restored.change('alice', addSecret)
    expect(next?.version).toBeGreaterThan(Math.max(...lost))
  })

  it('that was set back to a backup begins another history with beginAfterRestore', async () => {
    const app = await start(url)
    const token = await app.issue('alice')
    const restore = await server.backUp()
    await expect.poll(() => codeOf(() => app.keys.revoke('alice'))).toBe('done')
    await restore()
    await server.start()
    const operator = openWith({ connectionString: url })
    const { history } = await operator.lowWaterMark()
    await operator.beginAfterRestore()
    expect((await operator.lowWaterMark()).history).toBeGreaterThan(history)
    // The backup does not have the revocation, which must be repeated.
    await expect.poll(() => app.outcome(token)).toBe('accepted')
    await app.keys.revoke('alice', { everywhere: true })
    expect(await app.outcome(token)).toBe('token_revoked')
  })

  it('that replaces a failed one begins another history, in which verifiers have nothing of the lost one', async () => {
    const replica = await server.replicate()
    cleanUps.push(() => replica.dispose())
    const proxy = await startTcpProxy(url)
    cleanUps.push(() => proxy.close())
    const old = await start(url)
    const app = await start(proxy.url)
    const token = await old.issue('alice')
    await replica.caughtUp()
    await replica.lag()
    // Lost: the replica has not received them.
    await old.keys.rotate('alice')
    const lost = await old.issue('alice')
    await expect.poll(() => app.outcome(lost)).toBe('accepted')
    const { history } = await app.store.lowWaterMark()
    proxy.block()
    proxy.leadTo(replica.url)
    await replica.promote()
    proxy.unblock()
    await longEnough()
    await expect.poll(() => app.outcome(token)).toBe('accepted')
    expect(await app.outcome(lost)).toBe('token_revoked')
    expect((await app.store.lowWaterMark()).history).toBeGreaterThan(history)
    await app.keys.revoke('alice', { everywhere: true })
    expect(await app.outcome(token)).toBe('token_revoked')
  })

  it('that replicates another refuses every use, also if its user may write on it', async () => {
    const replica = await server.replicate()
    cleanUps.push(() => replica.dispose())
    await replica.caughtUp()
    const store = openWith({ connectionString: url.replace(new URL(url).port, new URL(replica.url).port) })
    expect(await codeOf(() => store.readTenants(['alice']))).toBe('store_unavailable')
    expect(await codeOf(() => store.change('alice', addSecret))).toBe('store_unavailable')
    expect(await codeOf(() => store.lowWaterMark())).toBe('store_unavailable')
    const [primary, copy] = [url, url.replace(new URL(url).port, new URL(replica.url).port)]
    const history = 'select epoch, last_change from latchkey_history'
    expect(await replica.run(history, copy)).toEqual(await server.run(history, primary))
  })

  it('that lost its place to a replica is left by a process that has read from the new primary', async () => {
    const replica = await server.replicate()
    cleanUps.push(() => replica.dispose())
    const proxy = await startTcpProxy(url)
    cleanUps.push(() => proxy.close())
    const app = await start(proxy.url)
    const token = await app.issue('alice')
    await replica.caughtUp()
    await replica.promote()
    // The old primary still writes; connections of the pool lead to both.
    proxy.leadTo(replica.url)
    proxy.cutHalf()
    const fresh = await start(url.replace(new URL(url).port, new URL(replica.url).port))
    await fresh.keys.revoke('alice')
    proxy.cutHalf()
    await expect.poll(() => app.outcome(token)).toBe('token_revoked')
  })
})
