import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { beforeEach, describe, expect, it } from 'vitest'
import { startTcpProxy } from '../../../../../test/support/tcp-proxy.js'
import { systemClock } from '../../../src/clock.js'
import type { TenantStore } from '../../../src/secrets/ports.js'
import { memoryStore } from '../../../src/stores/memory/index.js'
import { postgresStore } from '../../../src/stores/postgres/index.js'
import type { SqlStore } from '../../../src/stores/sql/sql-store.js'
import { cleanUpsOfEachTest } from '../../support/clean-ups.js'
import { emptyPostgres, emptySqlite, migratedDatabase } from '../../support/databases.js'
import { outcomeOf, setUp, timeOf } from '../../support/setup.js'
import { steer } from '../../support/steered-store.js'

const cleanUps = cleanUpsOfEachTest()
function open(store: TenantStore, maxStaleness: number) {
  const setup = setUp({ store, clock: systemClock, keys: { maxStaleness } })
  cleanUps.push(() => setup.latchkey.close())
  return setup
}

describe('waitForPropagation, for the process that calls it', () => {
  describe('on PostgreSQL, after a transaction of the caller on another client', () => {
    let database: Awaited<ReturnType<typeof emptyPostgres>>
    beforeEach(async () => {
      database = await migratedDatabase(cleanUps, emptyPostgres)
    })

    /** Revokes alice in a transaction of the application, on a connection that no store knows. */
    async function revokeInTransaction({ keys }: ReturnType<typeof open>): Promise<void> {
      const client = new pg.Client({ connectionString: database.url })
      await client.connect()
      await client.query('begin')
      await keys.revoke('alice', { client })
      await client.query('commit')
      await client.end()
    }

    function openThrough(url: string, maxStaleness: number) {
      const store = postgresStore({ connectionString: url })
      cleanUps.push(() => store.close())
      return open(store, maxStaleness)
    }

    it('waits until the feed of this process has delivered the change, however late', async () => {
      const proxy = await startTcpProxy(database.url)
      cleanUps.push(() => proxy.close())
      const setup = openThrough(proxy.url, 60_000)
      const { token } = await setup.latchkey.issue({ subject: 'alice' })
      proxy.slowDown(150)
      for (let round = 0; round < 3; round += 1) {
        await revokeInTransaction(setup)
        await setup.keys.waitForPropagation()
        expect(await outcomeOf(() => setup.latchkey.verify(token))).toBe('token_revoked')
      }
    })

    it('waits until the data of this process is stale when its feed is silent', async () => {
      const proxy = await startTcpProxy(database.url)
      cleanUps.push(() => proxy.close())
      const setup = openThrough(proxy.url, 600)
      const { token } = await setup.latchkey.issue({ subject: 'alice' })
      await sleep(200)
      proxy.freeze()
      await revokeInTransaction(setup)
      expect(await timeOf(setup.keys.waitForPropagation())).toBeGreaterThanOrEqual(600)
      expect(await outcomeOf(() => setup.latchkey.verify(token))).toBe('token_revoked')
    })

    it('waits for this process also when its lease was deleted', async () => {
      const proxy = await startTcpProxy(database.url)
      cleanUps.push(() => proxy.close())
      const setup = openThrough(proxy.url, 600)
      const { token } = await setup.latchkey.issue({ subject: 'alice' })
      proxy.freeze()
      await revokeInTransaction(setup)
      await database.open().query('delete from latchkey_verifiers')
      await setup.keys.waitForPropagation()
      expect(await outcomeOf(() => setup.latchkey.verify(token))).toBe('token_revoked')
    })

    it('waits for every instance of one process', async () => {
      const instances = [open(database.open(), 60_000), open(database.open(), 60_000)]
      const [first] = instances
      if (first === undefined) throw new Error('There are two.')
      const { token } = await first.latchkey.issue({ subject: 'alice' })
      for (const { latchkey } of instances) await latchkey.verify(token)
      await revokeInTransaction(first)
      await first.keys.waitForPropagation()
      for (const { latchkey } of instances) expect(await outcomeOf(() => latchkey.verify(token))).toBe('token_revoked')
    })
  })

  it('reads the log of a polled feed at once, after a transaction of another store on the same file', async () => {
    const database = await migratedDatabase(cleanUps, emptySqlite)
    const [mine, other]: SqlStore[] = [database.open(), database.open()]
    if (mine === undefined || other === undefined) throw new Error('There are two.')
    const { latchkey, keys } = open(mine, 60_000)
    const { token } = await latchkey.issue({ subject: 'alice' })
    await other.transaction((client) => keys.revoke('alice', { client }))
    await keys.waitForPropagation()
    expect(await outcomeOf(() => latchkey.verify(token))).toBe('token_revoked')
  })

  it('waits for the next proof, or until cached data is stale, on a feed that only reports', async () => {
    const steered = steer(memoryStore())
    const { latchkey, keys } = open(steered.store, 60_000)
    const { token } = await latchkey.issue({ subject: 'alice' })
    const record = await steered.store.change('alice', () => undefined)
    expect(record).toBeUndefined()
    let hasResolved = false
    const propagated = keys.waitForPropagation().then(() => {
      hasResolved = true
    })
    const tooEarly = { wallMs: Date.now(), monotonicMs: performance.now() - 1000 }
    steered.listeners[0]?.proved(tooEarly)
    await sleep(50)
    expect(hasResolved).toBe(false)
    steered.listeners[0]?.changed({ tenant: 'alice', version: Number.POSITIVE_INFINITY })
    steered.listeners[0]?.proved({ wallMs: Date.now(), monotonicMs: performance.now() })
    await propagated
    expect(await outcomeOf(() => latchkey.verify(token))).toBe('token_revoked')

    const silent = open(steer(memoryStore()).store, 300)
    expect(await timeOf(silent.keys.waitForPropagation())).toBeGreaterThanOrEqual(300)
  })
})
