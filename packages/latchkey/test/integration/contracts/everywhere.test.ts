import pg from 'pg'
import { beforeEach, describe, expect, it } from 'vitest'
import { startTcpProxy } from '../../../../../test/support/tcp-proxy.js'
import { systemClock } from '../../../src/clock.js'
import { LatchkeyError } from '../../../src/errors.js'
import type { TenantStore } from '../../../src/secrets/ports.js'
import { memoryStore } from '../../../src/stores/memory/index.js'
import { type PostgresStoreOptions, postgresStore } from '../../../src/stores/postgres/index.js'
import { cleanUpsOfEachTest } from '../../support/clean-ups.js'
import { emptyPostgres, emptySqlite, migratedDatabase } from '../../support/databases.js'
import { outcomeOf, setUp, timeOf } from '../../support/setup.js'
import { steer } from '../../support/steered-store.js'

/** Longer than any of these tests takes: a call that resolves did not wait for it. */
const longStaleness = 60_000
const shortStaleness = 400

const cleanUps = cleanUpsOfEachTest()
/** One process, closed at the end of the test. */
function open<Store extends TenantStore>(store: Store, maxStaleness = longStaleness) {
  const setup = setUp({ store, clock: systemClock, keys: { maxStaleness } })
  cleanUps.push(() => setup.latchkey.close())
  return setup
}

describe('waiting for propagation, on PostgreSQL', () => {
  let database: Awaited<ReturnType<typeof emptyPostgres>>
  beforeEach(async () => {
    database = await migratedDatabase(cleanUps, emptyPostgres)
  })

  const openStore = (options: PostgresStoreOptions) => {
    const store = postgresStore(options)
    cleanUps.push(() => store.close())
    return store
  }

  it('resolves once every running process has acknowledged the change, however long its maxStaleness', async () => {
    const [writer, ...others] = [open(database.open()), open(database.open()), open(database.open())]
    const { token } = await writer.latchkey.issue({ subject: 'alice' })
    for (const { latchkey } of others) await latchkey.verify(token)
    await writer.keys.revoke('alice', { everywhere: true })
    for (const { latchkey } of others) expect(await outcomeOf(() => latchkey.verify(token))).toBe('token_revoked')
  })

  it('waits for a process with a silent feed until the cached data of that process is stale', async () => {
    const proxy = await startTcpProxy(database.url)
    cleanUps.push(() => proxy.close())
    const writer = open(database.open())
    const silent = open(openStore({ connectionString: proxy.url }), shortStaleness)
    const { token } = await writer.latchkey.issue({ subject: 'alice' })
    await silent.latchkey.verify(token)
    proxy.block()
    await writer.keys.revoke('alice', { everywhere: true })
    expect(await outcomeOf(() => silent.latchkey.verify(token))).toBe('store_unavailable')
  })

  it('waits for a process that has crashed, for its own maxStaleness and not for that of the writer', async () => {
    const store = database.open()
    const writer = open(store)
    await writer.latchkey.issue({ subject: 'alice' })
    await store.renewLease({ id: 'vanished', maxStalenessMs: shortStaleness }, 60_000)
    expect(await timeOf(writer.keys.revoke('alice', { everywhere: true }))).toBeGreaterThanOrEqual(shortStaleness)
  })

  it('resolves for a transaction of the caller', async () => {
    const [writer, other] = [open(database.open()), open(database.open())]
    const { token } = await writer.latchkey.issue({ subject: 'alice' })
    await other.latchkey.verify(token)
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    await client.query('begin')
    await writer.keys.revoke('alice', { client })
    await client.query('commit')
    await client.end()
    await writer.keys.waitForPropagation()
    expect(await outcomeOf(() => other.latchkey.verify(token))).toBe('token_revoked')
  })

  it('resolves for many changes at once, of several writers', async () => {
    const processes = [open(database.open()), open(database.open()), open(database.open())]
    const [first] = processes
    const tokens = await Promise.all(
      Array.from(
        { length: 30 },
        async (_, n) => (await first?.latchkey.issue({ subject: `tenant-${n}` }))?.token ?? '',
      ),
    )
    for (const { latchkey } of processes) await Promise.all(tokens.map((token) => latchkey.verify(token)))
    await Promise.all(
      tokens.map(async (token, n) => {
        await processes[n % 3]?.keys.revoke(`tenant-${n}`, { everywhere: true })
        for (const { latchkey } of processes)
          expect(await outcomeOf(() => latchkey.verify(token))).toBe('token_revoked')
      }),
    )
  })
})

describe('the report of a propagation', () => {
  it.each([
    ['PostgreSQL', () => migratedDatabase(cleanUps, emptyPostgres)],
    ['SQLite', () => migratedDatabase(cleanUps, emptySqlite)],
  ])('names every verifier on %s, and when it has acknowledged or that it has not', async (_, migrated) => {
    const database = await migrated()
    const store = database.open()
    const [writer, other] = [open(store, 2000), open(database.open(), 2000)]
    for (const { keys } of [writer, other]) await keys.ready()
    const both = await writer.keys.waitForPropagation()
    expect(both).toMatchObject({ verifiers: 2, acknowledged: 2 })
    await store.renewLease({ id: 'crashed', maxStalenessMs: shortStaleness }, 60_000)
    const report = await writer.keys.waitForPropagation()
    expect(report).toMatchObject({ verifiers: 3, acknowledged: 2 })
    const [own, ...others] = report.processes
    expect(own?.id).toBe(both.processes[0]?.id)
    expect(others).toContainEqual({ id: 'crashed', maxStalenessMs: shortStaleness, acknowledgedMs: null })
    expect(report.elapsedMs).toBeGreaterThanOrEqual(shortStaleness)
    for (const { id, acknowledgedMs } of report.processes) {
      if (id !== 'crashed') expect(acknowledgedMs).toBeGreaterThan(0)
      expect(acknowledgedMs ?? 0).toBeLessThanOrEqual(report.elapsedMs)
    }
  })

  it('does not count this process if its feed is silent', async () => {
    const { keys } = open(steer(memoryStore()).store, shortStaleness)
    const { processes, ...report } = await keys.waitForPropagation()
    expect(report).toMatchObject({ verifiers: 1, acknowledged: 0 })
    expect(processes).toMatchObject([{ maxStalenessMs: shortStaleness, acknowledgedMs: null }])
  })

  it('counts a process that has closed meanwhile, because it uses no data any more', async () => {
    const store = memoryStore()
    const { keys } = open(store)
    await keys.ready()
    await store.renewLease({ id: 'closing', maxStalenessMs: longStaleness }, longStaleness)
    const verifiers = store.verifiers.bind(store)
    store.verifiers = async (request) => {
      if (request !== undefined) await store.releaseLease('closing')
      return verifiers(request)
    }
    expect(await keys.waitForPropagation()).toMatchObject({ verifiers: 2, acknowledged: 2 })
  })
})

describe('waiting for propagation', () => {
  it('resolves at once if no other process verifies, also on a polled feed', async () => {
    const database = await migratedDatabase(cleanUps, emptySqlite)
    const { latchkey, keys } = open(database.open())
    const { token } = await latchkey.issue({ subject: 'alice' })
    await keys.revoke('alice', { everywhere: true })
    expect(await outcomeOf(() => latchkey.verify(token))).toBe('token_revoked')
  })

  it('resolves on a polled feed once others have read the change, and does not wait for a process that has closed', async () => {
    const database = await migratedDatabase(cleanUps, emptySqlite)
    const writer = open(database.open())
    const other = open(database.open(), 2000)
    const { token } = await writer.latchkey.issue({ subject: 'alice' })
    await other.latchkey.verify(token)
    await writer.keys.revoke('alice', { everywhere: true })
    expect(await outcomeOf(() => other.latchkey.verify(token))).toBe('token_revoked')
    const closed = open(database.open())
    await closed.latchkey.issue({ subject: 'bob' })
    await closed.latchkey.close()
    await writer.keys.forget('alice', { everywhere: true })
  })

  it('resolves only once the change has reached every process or its data is stale, although no feed delivered it', async () => {
    const shared = memoryStore()
    const writer = open(shared)
    const reader = open(steer(shared).store, 250)
    const { token } = await writer.latchkey.issue({ subject: 'alice' })
    await reader.latchkey.verify(token)
    await writer.keys.revoke('alice')
    expect(await reader.latchkey.verify(token)).toMatchObject({ subject: 'alice' })
    await writer.keys.revoke('alice', { everywhere: true })
    expect(await outcomeOf(() => reader.latchkey.verify(token))).toBe('token_revoked')
  })

  it('retries the list of verifiers while the store is unavailable', async () => {
    const steered = steer()
    const { latchkey, keys } = open(steered.store)
    await latchkey.issue({ subject: 'alice' })
    const { verifiers } = steered.store
    let asked = 0
    steered.store.verifiers = async (request) => {
      asked += 1
      if (asked < 3) throw new LatchkeyError('store_unavailable')
      return verifiers(request)
    }
    await keys.revoke('alice', { everywhere: true })
    expect(asked).toBe(3)
  })

  it('cannot be combined with an open transaction', async () => {
    const { keys, store } = open(memoryStore())
    const revoking = store.transaction((client) => keys.revoke('alice', { client, everywhere: true }))
    await expect(revoking).rejects.toThrow(TypeError)
  })
})
