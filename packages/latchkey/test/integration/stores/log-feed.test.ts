import pg from 'pg'
import { beforeEach, describe, expect, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../../../test/support/start-postgres.js'
import { startTcpProxy, type TcpProxy } from '../../../../../test/support/tcp-proxy.js'
import { systemClock } from '../../../src/clock.js'
import { postgresStore } from '../../../src/stores/postgres/index.js'
import type { SqlStore } from '../../../src/stores/sql/index.js'
import { addSecret, range } from '../../../src/testing/store-contract/fixtures.js'
import { Recorder } from '../../../src/testing/store-contract/recorder.js'
import { cleanUpsOfEachTest } from '../../support/clean-ups.js'
import { emptyPostgres, emptySqlite, migratedDatabase } from '../../support/databases.js'
import { setUp } from '../../support/setup.js'

const cleanUps = cleanUpsOfEachTest()

/** No server listens there. */
const unreachable = 'postgres://127.0.0.1:1/none'

/** Longer than any test: a feed with this interval reads only when it is woken or asked to. */
const never = 3_600_000

function openUrl(connectionString: string, others: { listenConnectionString?: string; max?: number } = {}): SqlStore {
  const store = postgresStore({ connectionString, ...others })
  cleanUps.push(() => store.close())
  return store
}

async function connect(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString })
  client.on('error', () => {})
  await client.connect()
  cleanUps.push(() => client.end().catch(() => {}))
  return client
}

async function watch(store: SqlStore, intervalMs?: number) {
  const watching = await Recorder.on(store, intervalMs)
  cleanUps.push(() => watching.feed.close())
  return watching
}

const hasLost = ({ events }: Recorder) => events.some(({ kind }) => kind === 'lost')

const change = async (store: SqlStore, tenant = 'alice') => {
  const record = await store.change(tenant, addSecret)
  return { tenant, version: record?.version ?? 0 }
}

/**
 * Prunes the log until only its newest change is left. A transaction that another test holds open
 * on the same server keeps the low-water mark behind for as long as it lasts.
 */
async function pruneAllButNewest(store: SqlStore): Promise<void> {
  const pruned = async () => {
    await store.prune({ now: Date.now(), keepMs: 0, changeLogMs: 0 })
    return (await store.query('select seq from latchkey_changes')).rows.length
  }
  await expect.poll(pruned).toBe(1)
}

/** The databases, and a store over each that no other process notifies. */
const databases = {
  PostgreSQL: {
    create: async () => {
      const { open, url, remove } = await emptyPostgres()
      return { open, remove, quiet: () => openUrl(url, { listenConnectionString: unreachable }) }
    },
    transactionId: 'txid_current()',
  },
  SQLite: {
    create: async () => {
      const { open, remove } = await emptySqlite()
      return { open, remove, quiet: open }
    },
    transactionId: 'null',
  },
}

describe.each(Object.entries(databases))('a feed that reads the log of %s', (_, { create, transactionId }) => {
  it('reports that changes may have been missed if the log was pruned before it was read', async () => {
    const database = await migratedDatabase(cleanUps, create)
    const { recorder, feed } = await watch(database.quiet(), never)
    const other = database.open()
    for (const _ of range(4)) await change(other)
    await other.query('update latchkey_changes set at = 0')
    await pruneAllButNewest(other)
    feed.check()
    await recorder.until('the loss was reported', () => hasLost(recorder))
    const written = await change(other)
    feed.check()
    await recorder.delivered(written)
  })

  it('reports that changes may have been missed if there are more than it reads at once', async () => {
    const database = await migratedDatabase(cleanUps, create)
    const { recorder, feed } = await watch(database.quiet(), never)
    const other = database.open()
    await other.query(`insert into latchkey_changes (tenant_id, at, transaction_id)
      with recursive n (i) as (select 1 union all select i + 1 from n where i < 12000) select 'x', 0, ${transactionId} from n`)
    feed.check()
    await recorder.until('the loss was reported', () => hasLost(recorder))
    expect(recorder.changes.length).toBeLessThan(11_000)
    const written = await change(other)
    feed.check()
    await recorder.delivered(written)
  })

  it('delivers a change although the clock of the database was set back by an hour', async () => {
    const database = await migratedDatabase(cleanUps, create)
    const { recorder } = await watch(database.open(), 20)
    const other = database.open()
    await change(other)
    await other.query('update latchkey_changes set at = at + 3600000')
    await recorder.delivered(await change(other))
    expect(hasLost(recorder)).toBe(false)
  })

  it('begins again when the database continues from a restored state', async () => {
    const database = await migratedDatabase(cleanUps, create)
    const { recorder } = await watch(database.open(), 20)
    const other = database.open()
    await other.beginAfterRestore()
    await recorder.until('the loss was reported', () => hasLost(recorder))
    await recorder.delivered(await change(other))
  })
})

describe('a feed that reads the log of PostgreSQL', () => {
  let database: Awaited<ReturnType<typeof emptyPostgres>>
  let store: SqlStore
  let proxy: TcpProxy

  beforeEach(async () => {
    database = await migratedDatabase(cleanUps, emptyPostgres)
    store = database.open()
    proxy = await startTcpProxy(database.url)
    cleanUps.push(() => proxy.close())
  })

  it('delivers transactions that are committed in another order than they began, and those of savepoints', async () => {
    const { recorder } = await watch(database.open())
    const clients = await Promise.all(range(3).map(() => connect(database.url)))
    const versions: number[] = []
    for (const [number, client] of clients.entries()) {
      await client.query('begin')
      await client.query('select txid_current()')
      await client.query('savepoint one')
      versions.push((await store.change(`tenant-${number}`, addSecret, client))?.version ?? 0)
      await client.query('release savepoint one')
    }
    for (const number of [2, 0, 1]) {
      await recorder.delivered(await change(store, 'between'))
      await clients[number]?.query('commit')
      await recorder.delivered({ tenant: `tenant-${number}`, version: versions[number] ?? 0 })
    }
    expect(hasLost(recorder)).toBe(false)
  })

  it('delivers a transaction that stayed open while the log was pruned, or reports the loss', async () => {
    const { recorder } = await watch(database.open())
    const client = await connect(database.url)
    await client.query('begin')
    const slow = await store.change('slow', addSecret, client)
    for (const _ of range(3)) await recorder.delivered(await change(store))
    // A transaction of another database of the server, if it ended just now, makes it a loss already.
    await store.prune({ now: Date.now(), keepMs: 0, changeLogMs: -60_000 })
    await recorder.proof()
    await client.query('commit')
    await store.prune({ now: Date.now(), keepMs: 0, changeLogMs: -60_000 })
    await recorder.until(
      'the change was delivered or the loss reported',
      () => hasLost(recorder) || recorder.changes.some(({ version }) => version === slow?.version),
    )
  })

  it('keeps its data while a transaction is open that is older than the tables', async () => {
    const old = await connect(database.url)
    await old.query('begin')
    await old.query('select txid_current()')
    const another = await migratedDatabase(cleanUps, emptyPostgres)
    await another.open().beginAfterRestore()
    const { recorder } = await watch(another.open())
    for (const _ of range(3)) await recorder.delivered(await change(another.open()))
    for (const _ of range(3)) await recorder.proof()
    expect(hasLost(recorder)).toBe(false)
  })

  it('is woken within milliseconds, however long its interval is', async () => {
    const { recorder } = await watch(database.open(), never)
    for (const _ of range(5)) await recorder.delivered(await change(store))
  })

  it('needs no notification: it delivers within its interval where this role may not call pg_notify', async () => {
    const role = `mute_${process.pid}_${Date.now()}`
    await store.query(`create role ${role} login`)
    await store.query('revoke execute on function pg_notify(text, text) from public')
    await store.query(`grant all on all tables in schema public to ${role}`)
    await store.query(`grant all on all sequences in schema public to ${role}`)
    const url = new URL(database.url)
    url.username = role
    const mute = openUrl(url.href)
    cleanUps.push(() => store.query(`drop owned by ${role}; drop role ${role}`).then(() => {}))
    const { recorder } = await watch(database.open())
    await recorder.delivered(await change(mute))
    await store.renewLease({ id: recorder.verifierId, maxStalenessMs: 60_000 }, 60_000)
    const request = await mute.requestAcknowledgements()
    await expect.poll(() => mute.verifiers(request)).toEqual([])
  })

  it('reads over a pool of one connection, which it leaves to the statements', async () => {
    const pool = new pg.Pool({ connectionString: database.url, max: 1 })
    cleanUps.push(() => pool.end())
    const narrow = postgresStore({ pool })
    const { recorder, feed } = await Recorder.on(narrow)
    await recorder.delivered(await change(store))
    await feed.close()
    await narrow.close()
    expect(pool.idleCount).toBe(pool.totalCount)
  })

  it('has its read planned once for a connection, and not each time', async () => {
    const pool = new pg.Pool({ connectionString: database.url, max: 1 })
    cleanUps.push(() => pool.end())
    await watch(postgresStore({ pool }), 5)
    const isPlanned = async () => {
      const { rows } = await pool.query(
        `select generic_plans > 0 as is_planned from pg_prepared_statements where statement like '%h.snapshot%'`,
      )
      return rows
    }
    await expect.poll(isPlanned).toEqual([{ is_planned: true }])
  })

  it('loses nothing when its listening connection ends, and is woken by the next one', async () => {
    const { recorder } = await watch(openUrl(database.url, { listenConnectionString: proxy.url }), never)
    for (const _ of range(3)) {
      proxy.block()
      const written = await change(store)
      proxy.unblock()
      await recorder.delivered(written)
    }
    await recorder.delivered(await change(store))
    expect(hasLost(recorder)).toBe(false)
  })

  it('delivers within its interval while its listening connection is silent', async () => {
    const { recorder } = await watch(openUrl(database.url, { listenConnectionString: proxy.url }))
    await recorder.delivered(await change(store))
    proxy.freeze()
    for (const _ of range(3)) await recorder.delivered(await change(store))
    expect(hasLost(recorder)).toBe(false)
  })

  it('proves nothing while its reads are cut off, and loses nothing afterwards', async () => {
    const { recorder } = await watch(openUrl(proxy.url))
    proxy.block()
    const count = recorder.events.length
    const written = await change(store)
    const atMs = performance.now()
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(recorder.events.slice(count)).toEqual([])
    proxy.unblock()
    await recorder.proof()
    expect(recorder.brokenProof([{ version: written.version, atMs }])).toBeUndefined()
    await recorder.delivered(written)
    expect(hasLost(recorder)).toBe(false)
  })

  it.each([
    ['half-open', () => proxy.freeze()],
    [
      'cut in the direction of the process',
      () => {
        let answers = 0
        proxy.silenceAfter(() => {
          answers += 1
          return answers === 1 ? Buffer.alloc(0) : undefined
        })
      },
    ],
    ['cut in the direction of the server', () => proxy.meddle(() => Buffer.alloc(0))],
  ] as const)('proves nothing while the connection of its reads is %s, and then uses another', async (_, cut) => {
    const { recorder } = await watch(openUrl(proxy.url, { listenConnectionString: database.url, max: 1 }))
    await recorder.proof()
    cut()
    const written = await change(store)
    const atMs = performance.now()
    setTimeout(() => proxy.meddle((data) => data), 300)
    await recorder.delivered(written)
    await recorder.proof()
    expect(recorder.brokenProof([{ version: written.version, atMs }])).toBeUndefined()
    expect(hasLost(recorder)).toBe(false)
  })

  it('accepts the same tokens after a notification of another program, whatever it says', async () => {
    const { latchkey } = setUp({ store: database.open(), clock: systemClock })
    cleanUps.push(() => latchkey.close())
    const { token } = await latchkey.issue({ subject: 'alice' })
    const another = await connect(database.url)
    for (const text of ['999999999 alice', '-1 alice', 'NaN alice', ' alice', '0', '7 ', '']) {
      await another.query("select pg_notify('latchkey_log', $1)", [text])
      for (const _ of range(3)) expect(await latchkey.verify(token)).toMatchObject({ subject: 'alice' })
    }
  })

  it('wakes a thousand processes for the first change of a burst, and not for each one', async () => {
    const listener = await connect(database.url)
    let notifications = 0
    listener.on('notification', () => {
      notifications += 1
    })
    await listener.query('listen latchkey_log')
    const { recorder } = await watch(database.open(), 20)
    for (const _ of range(20)) await change(store)
    await expect.poll(() => notifications).toBe(20)
    await store.query(`insert into latchkey_verifiers (verifier_id, max_staleness_ms, listed_until)
      select 'verifier-' || i, 2000, 9e15 from generate_series(1, 1000) i`)
    await new Promise((resolve) => setTimeout(resolve, 300))
    notifications = 0
    const burst = await Promise.all(range(20).map((number) => change(store, `tenant-${number}`)))
    for (const written of burst) await recorder.delivered(written)
    await store.requestAcknowledgements()
    await expect.poll(() => notifications).toBeGreaterThanOrEqual(2)
    expect(notifications).toBeLessThan(10)
  })
})

describe('a feed whose server', () => {
  let server: PostgresServer

  async function startServer(settings: readonly string[] = []) {
    server = await startPostgres(undefined, settings)
    cleanUps.push(() => server.dispose())
    const store = openUrl(server.url)
    await store.migrate()
    return store
  }

  it('is a replica does not start, and proves nothing', async () => {
    const store = await startServer()
    await change(store)
    const replica = await server.replicate()
    cleanUps.push(() => replica.dispose())
    await replica.caughtUp()
    await expect(Recorder.on(openUrl(replica.url))).rejects.toMatchObject({ code: 'store_unavailable' })
  })

  it('has lost commits in a failover to a replica that lagged delivers the changes of the new history', async () => {
    const store = await startServer()
    const replica = await server.replicate()
    cleanUps.push(() => replica.dispose())
    await change(store)
    await replica.caughtUp()
    await replica.lag()
    const pool = new pg.Pool({ connectionString: server.url })
    pool.on('error', () => {})
    cleanUps.push(() => pool.end())
    const { recorder } = await watch(postgresStore({ pool }))
    for (const _ of range(5)) await recorder.delivered(await change(store))
    await replica.promote()
    pool.options.connectionString = replica.url
    await server.stop()
    const promoted = openUrl(replica.url)
    const written = await change(promoted)
    await recorder.until('the loss was reported', () => hasLost(recorder))
    await recorder.proof()
    await recorder.delivered(await change(promoted))
    expect(written.version).toBeGreaterThan(0)
  })

  it('assigns transaction IDs again after a crash reports that changes may have been missed', async () => {
    // Commits do not reach the disk by themselves.
    const store = await startServer(['wal_writer_delay=10000', 'synchronous_commit=off', 'autovacuum=off'])
    const proxy = await startTcpProxy(server.url)
    cleanUps.push(() => proxy.close())
    const { recorder } = await watch(openUrl(proxy.url))
    await recorder.delivered(await change(store))
    const idsOf = async (client: pg.Client, count: number) => {
      const ids: number[] = []
      for (const _ of range(count)) ids.push(Number((await client.query('select txid_current() as id')).rows[0]?.id))
      return ids
    }
    const lost = await idsOf(await connect(server.url), 50)
    await recorder.proof()
    proxy.block()
    await server.crash()
    await server.start()
    const again = openUrl(server.url)
    const written = await change(again)
    const { rows } = await again.query<{ transaction_id: number }>(
      'select transaction_id from latchkey_changes where seq = $1',
      [written.version],
    )
    // Otherwise this test shows nothing: the feed has seen an end of a transaction with this ID, and
    // when it reads again, the newest ID is above all that it has seen.
    expect(rows[0]?.transaction_id).toBeLessThan(lost.at(-1) ?? 0)
    await idsOf(await connect(server.url), 100)
    proxy.unblock()
    await recorder.until('the loss was reported', () => hasLost(recorder))
    await recorder.proof()
  })

  it('waits for the disk at each change, although its settings say otherwise', async () => {
    const store = await startServer(['wal_writer_delay=10000', 'synchronous_commit=off', 'autovacuum=off'])
    const written = await change(store)
    const client = await connect(server.url)
    await client.query('begin')
    const own = await store.change('bob', addSecret, client)
    await client.query('commit')
    await server.crash()
    await server.start()
    const records = await openUrl(server.url).readTenants(['alice', 'bob'])
    expect(records.get('alice')?.version).toBe(written.version)
    expect(records.get('bob')?.version).toBe(own?.version)
  })

  it('waits for the disk at each lease: a change after a crash must wait for its verifier', async () => {
    const store = await startServer(['wal_writer_delay=10000', 'synchronous_commit=off', 'autovacuum=off'])
    await change(store)
    const verifier = { id: 'verifier', maxStalenessMs: 1000 }
    await store.renewLease(verifier, 60_000)
    await server.crash()
    await server.start()
    expect(await openUrl(server.url).verifiers()).toEqual([verifier])
  })

  it('passes the 32 bits of a transaction ID delivers every change', async () => {
    const before = await startServer()
    await change(before)
    await before.close()
    await server.continueFrom(2n ** 32n - 60n)
    const store = openUrl(server.url)
    const { recorder } = await watch(openUrl(server.url))
    const client = await connect(server.url)
    await client.query('begin')
    const slow = await store.change('slow', addSecret, client)
    for (const _ of range(100)) await recorder.delivered(await change(store))
    await client.query('commit')
    await recorder.delivered({ tenant: 'slow', version: slow?.version ?? 0 })
    const { rows } = await store.query<{ newest: number }>('select max(transaction_id) as newest from latchkey_changes')
    expect(rows[0]?.newest).toBeGreaterThan(2 ** 32)
    expect(hasLost(recorder)).toBe(false)
  })
})
