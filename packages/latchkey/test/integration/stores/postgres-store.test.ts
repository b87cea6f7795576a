import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { beforeEach, describe, expect, it } from 'vitest'
import { runTypeScript } from '../../../../../test/support/run-typescript.js'
import { startPostgres } from '../../../../../test/support/start-postgres.js'
import { startTcpProxy, type TcpProxy } from '../../../../../test/support/tcp-proxy.js'
import { type PostgresStoreOptions, postgresStore } from '../../../src/stores/postgres/index.js'
import type { SqlStore } from '../../../src/stores/sql/index.js'
import { addSecret, range, read } from '../../../src/testing/store-contract/fixtures.js'
import { type Acknowledged, Recorder } from '../../../src/testing/store-contract/recorder.js'
import { cleanUpsOfEachTest } from '../../support/clean-ups.js'
import { emptyPostgres, migratedDatabase } from '../../support/databases.js'

const unavailable = { code: 'store_unavailable', cause: expect.any(Error) }

describe('a PostgreSQL store', () => {
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

  const openProxy = async (): Promise<TcpProxy> => {
    const proxy = await startTcpProxy(database.url)
    cleanUps.push(() => proxy.close())
    return proxy
  }

  const openPool = (max = 4) => {
    const pool = new pg.Pool({ connectionString: database.url, max })
    pool.on('error', () => {})
    cleanUps.push(() => pool.end())
    return pool
  }

  /** Ends the connections of that name, once there are any. */
  const endConnections = async (name: string) => {
    const ending = 'select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1'
    const pool = openPool()
    while ((await pool.query(ending, [name])).rowCount === 0) await sleep(10)
  }

  describe('given a transaction that the caller began with pg', () => {
    it('commits with it, and delivers the change', async () => {
      const { recorder, feed } = await Recorder.on(store)
      const client = await openPool().connect()
      await client.query('begin')
      const record = await store.change('alice', addSecret, client)
      await recorder.proof()
      expect(recorder.changes).toEqual([])
      expect(await read(store, 'alice')).toBeUndefined()
      await client.query('commit')
      client.release()
      await recorder.delivered({ tenant: 'alice', version: record?.version ?? 0 })
      expect(await read(store, 'alice')).toEqual(record)
      await feed.close()
    })

    it('rolls back with it, and delivers nothing', async () => {
      const { recorder, feed } = await Recorder.on(store)
      const client = await openPool().connect()
      await client.query('begin')
      await store.change('alice', addSecret, client)
      await client.query('rollback')
      client.release()
      await recorder.proof()
      await feed.close()
      expect(recorder.changes).toEqual([])
      expect(await read(store, 'alice')).toBeUndefined()
    })

    it('passes numbers to decide, although that client returns bigints as text', async () => {
      const written = await store.change('alice', addSecret)
      const client = await openPool().connect()
      await client.query('begin')
      await store.change(
        'alice',
        (current) => {
          expect(current).toEqual(written)
          return current
        },
        client,
      )
      await client.query('commit')
      client.release()
    })

    it('refuses a client without a transaction, a pool, and a value that is no client', async () => {
      const pool = openPool()
      const client = await pool.connect()
      await expect(store.change('alice', addSecret, client)).rejects.toThrow(TypeError)
      await expect(store.change('alice', addSecret, pool)).rejects.toThrow(TypeError)
      await expect(store.change('alice', addSecret, { query: async () => ({ rows: [] }) })).rejects.toThrow(TypeError)
      client.release()
      expect(await read(store, 'alice')).toBeUndefined()
    })
  })

  describe('over a pool of the caller', () => {
    it('works and listens through it, returns every connection, and leaves it open', async () => {
      const pool = openPool(2)
      const over = postgresStore({ pool })
      const { recorder, feed } = await Recorder.on(over)
      const written = await store.change('alice', addSecret)
      await recorder.delivered({ tenant: 'alice', version: written?.version ?? 0 })
      expect(await read(over, 'alice')).toEqual(written)
      expect((await over.query('select 1::bigint as one')).rows).toEqual([{ one: 1 }])
      await feed.close()
      await over.close()
      expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
      expect(pool.totalCount - pool.idleCount).toBe(0)
    })
  })

  it('proves only changes that have arrived through a slow network, however early they were acknowledged', async () => {
    const proxy = await openProxy()
    const distant = openWith({ connectionString: proxy.url })
    const { recorder, feed } = await Recorder.on(distant, 5)
    proxy.slowDown(30)
    const acknowledged: Acknowledged[] = []
    for (const number of range(100)) {
      const record = await store.change(`tenant-${number % 3}`, addSecret)
      acknowledged.push({ version: record?.version ?? 0, atMs: performance.now() })
    }
    await recorder.proof()
    await feed.close()
    expect(recorder.brokenProof(acknowledged)).toBeUndefined()
    expect(recorder.changes.length).toBe(100)
  })

  describe('whose connection is lost at the commit', () => {
    // In PostgreSQL's protocol the text of a statement ends with a zero byte.
    const isCommit = (data: Buffer) => data.includes('commit\0')
    let proxy: TcpProxy
    let fragile: SqlStore

    beforeEach(async () => {
      proxy = await openProxy()
      fragile = openWith({ connectionString: proxy.url, listenConnectionString: database.url })
      await fragile.readTenants(['alice'])
    })

    it('is unavailable and delivers nothing when the commit did not arrive', async () => {
      const { recorder, feed } = await Recorder.on(fragile)
      proxy.meddle((data) => (isCommit(data) ? undefined : data))
      await expect(fragile.change('alice', addSecret)).rejects.toMatchObject(unavailable)
      expect(await read(store, 'alice')).toBeUndefined()
      proxy.meddle((data) => data)
      expect((await fragile.change('alice', addSecret))?.secrets.length).toBe(1)
      await feed.close()
      expect(recorder.changes.length).toBe(1)
    })

    it('is unavailable although the commit arrived, and delivers the change', async () => {
      const { recorder, feed } = await Recorder.on(fragile)
      proxy.meddle((data) => {
        if (isCommit(data)) {
          proxy.freeze()
          setTimeout(() => proxy.block(), 100)
          setTimeout(() => proxy.unblock(), 200)
        }
        return data
      })
      await expect(fragile.change('alice', addSecret)).rejects.toMatchObject(unavailable)
      // The server may still be writing the commit.
      await expect.poll(async () => (await read(store, 'alice'))?.secrets.length).toBe(1)
      const alice = await read(store, 'alice')
      await recorder.delivered({ tenant: 'alice', version: alice?.version ?? 0 })
      await feed.close()
    })
  })

  it('is unavailable while its connections are half-open, and then opens new ones', async () => {
    const proxy = await openProxy()
    const fragile = openWith({ connectionString: proxy.url })
    await fragile.readTenants(['alice'])
    proxy.freeze()
    await expect(fragile.readTenants(['alice'])).rejects.toMatchObject(unavailable)
    expect((await fragile.change('alice', addSecret))?.secrets.length).toBe(1)
  })

  it('is unavailable when a new connection is ended as soon as it was opened', async () => {
    const proxy = await openProxy()
    proxy.hold()
    const doomed = openWith({ connectionString: `${proxy.url}?application_name=doomed` })
    const reading = expect(doomed.readTenants(['alice'])).rejects.toMatchObject(unavailable)
    await endConnections('doomed')
    await reading
  })

  it('does not listen on a connection that ended as soon as its pool had opened it', async () => {
    const proxy = await openProxy()
    proxy.hold()
    const pool = new pg.Pool({ connectionString: `${proxy.url}?application_name=doomed` })
    pool.on('error', () => {})
    cleanUps.push(() => pool.end())
    const listening = expect(Recorder.on(openWith({ pool }))).rejects.toMatchObject(unavailable)
    await endConnections('doomed')
    await listening
  })

  it('is unavailable when every connection stays busy', async () => {
    const narrow = openWith({ connectionString: database.url, max: 1 })
    await narrow.readTenants(['alice'])
    let release = () => {}
    const busy = narrow.transaction(() => new Promise<void>((resolve) => (release = resolve)))
    await expect(narrow.readTenants(['alice'])).rejects.toMatchObject(unavailable)
    release()
    await busy
    expect((await narrow.readTenants(['alice'])).size).toBe(0)
  })

  it('is unavailable if no server listens, or the password or the database is wrong', async () => {
    const url = new URL(database.url)
    url.port = '1'
    await expect(openWith({ connectionString: url.href }).readTenants(['alice'])).rejects.toMatchObject(unavailable)
    await expect(Recorder.on(openWith({ connectionString: url.href }))).rejects.toMatchObject(unavailable)
    const missing = new URL(database.url)
    missing.pathname = '/nowhere'
    await expect(openWith({ connectionString: missing.href }).migrate()).rejects.toMatchObject(unavailable)
  })

  it('requires a connection string or a pool, and a whole number of connections', () => {
    expect(() => postgresStore({})).toThrow(TypeError)
    expect(() => postgresStore({ connectionString: undefined })).toThrow(TypeError)
    expect(() => postgresStore({ connectionString: database.url, pool: openPool() })).toThrow(TypeError)
    expect(() => postgresStore({ connectionString: database.url, max: 0 })).toThrow(TypeError)
  })

  it('does not keep its process alive', async () => {
    const script = runTypeScript(new URL('./postgres-script.ts', import.meta.url), [database.url])
    expect(await script.ended).toBe(0)
    expect(script.lines).toEqual(['done'])
  })

  it('reads and changes again after all its connections were killed at once', async () => {
    await Promise.all(range(6).map((number) => store.change(`tenant-${number}`, addSecret)))
    const killer = openPool()
    await killer.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    )
    // A change fails while the pool has a killed connection whose end it has not read yet.
    const changed = () => store.change('tenant-0', addSecret).catch(() => undefined)
    await expect.poll(async () => (await changed())?.secrets.length).toBe(2)
  })
})

describe('a PostgreSQL store whose server', () => {
  it('stops is unavailable and proves nothing, and recovers with it', async () => {
    const server = await startPostgres()
    const store = postgresStore({ connectionString: server.url })
    try {
      await store.migrate()
      const { recorder } = await Recorder.on(store)
      await server.stop()
      const count = recorder.events.length
      await expect(store.readTenants(['alice'])).rejects.toMatchObject(unavailable)
      await expect(store.change('alice', addSecret)).rejects.toMatchObject(unavailable)
      await expect(store.setting('x', () => ({ name: 'x', masterKeyId: 'a', sealed: 'b' }))).rejects.toMatchObject(
        unavailable,
      )
      expect(recorder.events.length).toBe(count)
      await server.start()
      expect((await store.change('alice', addSecret))?.secrets.length).toBe(1)
      await recorder.proof()
      expect(recorder.events.filter((event) => event.kind === 'lost')).toEqual([])
    } finally {
      await store.close()
      await server.dispose()
    }
  })

  it('crashes has every acknowledged change afterwards, and no partial one', async () => {
    const server = await startPostgres()
    const store = postgresStore({ connectionString: server.url })
    try {
      await store.migrate()
      const acknowledged: number[] = []
      const write = async () => {
        for (;;) {
          const record = await store.transaction(async (client) => {
            await store.change('left', addSecret, client)
            return store.change('right', addSecret, client)
          })
          acknowledged.push(record?.version ?? 0)
        }
      }
      const writers = Promise.allSettled(range(4).map(write))
      await expect.poll(() => acknowledged.length).toBeGreaterThan(10)
      await server.crash()
      await writers
      await server.start()
      const [left, right] = [await read(store, 'left'), await read(store, 'right')]
      expect(left?.secrets.length).toBe(right?.secrets.length)
      expect(right?.version).toBeGreaterThanOrEqual(Math.max(...acknowledged))
      expect(right?.secrets.length).toBeGreaterThanOrEqual(acknowledged.length)
    } finally {
      await store.close()
      await server.dispose()
    }
  })
})
