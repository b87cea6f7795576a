import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Pooler, startPgBouncer } from '../../../../../test/support/start-pgbouncer.js'
import { type PostgresStoreOptions, postgresStore } from '../../../src/stores/postgres/index.js'
import type { SqlStore } from '../../../src/stores/sql/index.js'
import { addSecret, range, read } from '../../../src/testing/store-contract/fixtures.js'
import { type Acknowledged, Recorder } from '../../../src/testing/store-contract/recorder.js'
import { emptyPostgres } from '../../support/databases.js'

let database: Awaited<ReturnType<typeof emptyPostgres>>
let direct: SqlStore
let transactionPooler: Pooler
let sessionPooler: Pooler
const opened: SqlStore[] = []

beforeAll(async () => {
  database = await emptyPostgres()
  direct = database.open()
  await direct.migrate()
  transactionPooler = await startPgBouncer(database.url, 'transaction')
  sessionPooler = await startPgBouncer(database.url, 'session')
})

afterEach(async () => {
  for (const store of opened.splice(0)) await store.close()
})

afterAll(async () => {
  await transactionPooler?.dispose()
  await sessionPooler?.dispose()
  await database?.remove()
})

function open(options: PostgresStoreOptions): SqlStore {
  const store = postgresStore(options)
  opened.push(store)
  return store
}

/**
 * Changes tenants through another store, and checks that this store's feed delivers each change
 * before it proves a later moment.
 */
async function expectDelivery(store: SqlStore): Promise<void> {
  const { recorder, feed } = await Recorder.on(store, 20)
  const acknowledged: Acknowledged[] = []
  for (const number of range(20)) {
    const record = await direct.change(`tenant-${number % 3}`, addSecret)
    acknowledged.push({ version: record?.version ?? 0, atMs: performance.now() })
    await sleep(number % 5)
  }
  await recorder.proof()
  await feed.close()
  expect(recorder.changes).toHaveLength(20)
  expect(recorder.brokenProof(acknowledged)).toBeUndefined()
}

describe('a PostgreSQL store behind PgBouncer in transaction mode', () => {
  it('delivers every change through it at the interval of its feed', async () => {
    await expectDelivery(open({ connectionString: transactionPooler.url }))
  })

  it('delivers every change also if only its listening connection goes through it', async () => {
    await expectDelivery(open({ connectionString: database.url, listenConnectionString: transactionPooler.url }))
  })

  it('waits for the acknowledgement of a process that no notification reaches', async () => {
    const pooled = open({ connectionString: transactionPooler.url })
    const { recorder, feed } = await Recorder.on(pooled)
    await pooled.renewLease({ id: recorder.verifierId, maxStalenessMs: 2000 }, 60_000)
    const request = await direct.requestAcknowledgements()
    await expect.poll(() => direct.verifiers(request)).toEqual([])
    await feed.close()
  })

  it('reads and changes through it, many at a time, and is notified on a separate connection', async () => {
    const pooled = open({ connectionString: transactionPooler.url, listenConnectionString: database.url })
    await Promise.all(range(40).map((number) => pooled.change(`many-${number % 8}`, addSecret)))
    const found = await Promise.all(range(40).map((number) => read(pooled, `many-${number % 8}`)))
    for (const record of found) expect(record?.secrets).toHaveLength(5)
    await expectDelivery(pooled)
  })
})

describe('a frequent statement of a PostgreSQL store', () => {
  const preparedOn = async (store: SqlStore) =>
    (await store.query(`select name from pg_prepared_statements where name like 'latchkey%'`)).rows

  it('is prepared once for each connection', async () => {
    const store = open({ connectionString: database.url, max: 1 })
    for (const tenant of ['one', 'other']) await read(store, tenant)
    await store.readByKid(['none'])
    expect(await preparedOn(store)).toHaveLength(2)
  })

  it('is prepared like every other statement, in transactions too, once notifications have arrived through the pool', async () => {
    const store = open({ connectionString: database.url, max: 1 })
    const { feed } = await Recorder.on(store)
    const before = (await preparedOn(store)).length
    await expect
      .poll(async () => {
        await store.change('written', addSecret)
        return (await preparedOn(store)).length
      })
      .toBeGreaterThan(before + 2)
    await feed.close()
  })

  it('is not prepared in a transaction while notifications arrive another way', async () => {
    const store = open({ connectionString: transactionPooler.url, listenConnectionString: database.url, max: 1 })
    const { feed } = await Recorder.on(store)
    const before = (await preparedOn(store)).length
    await store.change('written', addSecret)
    expect(await preparedOn(store)).toHaveLength(before)
    await feed.close()
  })

  it('also works through a pooler that sends each statement through another connection', async () => {
    const one = open({ connectionString: transactionPooler.url, max: 1 })
    const other = open({ connectionString: transactionPooler.url, max: 1 })
    // Through one connection of the server, which keeps the statements that the first store has
    // prepared.
    for (const store of [one, other, one, other]) expect(await read(store, 'absent')).toBeUndefined()
  })
})

describe('a PostgreSQL store behind PgBouncer in session mode', () => {
  it('receives changes through it', async () => {
    await expectDelivery(open({ connectionString: sessionPooler.url }))
  })
})
