import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { runTypeScript } from '../../../../../test/support/run-typescript.js'
import { LatchkeyError } from '../../../src/errors.js'
import type { TenantStore } from '../../../src/secrets/ports.js'
import { memoryStore } from '../../../src/stores/memory/index.js'
import type { RotationProgress } from '../../../src/upkeep/rotate-all.js'
import { emptyPostgres, emptySqlite } from '../../support/databases.js'
import { masterKeys, outcomeOf, type Setup, setUp } from '../../support/setup.js'

/** As fast as possible. */
const ratePerMinute = 600_000

const opened: Setup[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map(({ latchkey }) => latchkey.close()))
})

/** Creates tenants with one secret each. */
async function withTenants(count: number, store: TenantStore = memoryStore()): Promise<Setup> {
  const setup = setUp({ store })
  opened.push(setup)
  for (let number = 0; number < count; number += 1) await setup.keys.provision(`tenant-${number}`)
  setup.clock.advance(1)
  return setup
}

/** Returns the number of secrets that each tenant has had. */
async function generations({ keys }: Setup, count: number): Promise<(number | undefined)[]> {
  const names = Array.from({ length: count }, (_, number) => `tenant-${number}`)
  const tenants = await Promise.all(names.map((name) => keys.describe(name)))
  return tenants.map((tenant) => tenant?.secrets.at(-1)?.generation)
}

/** A store that is unavailable when the test says so. */
function failing(store: TenantStore, isAway: () => boolean): TenantStore {
  return {
    ...bound(store),
    change: async (tenant, decide, client) => {
      if (isAway()) throw new LatchkeyError('store_unavailable')
      return store.change(tenant, decide, client)
    },
  }
}

function bound(store: TenantStore): TenantStore {
  return new Proxy(store, {
    ownKeys: () => Reflect.ownKeys(Object.getPrototypeOf(store)),
    getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }),
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}

describe('a rotation of all tenants', () => {
  it('creates a new secret for every tenant, and signs no user out', async () => {
    const setup = await withTenants(30)
    const { token } = await setup.latchkey.issue({ subject: 'tenant-7' })
    const progress = await setup.keys.rotateAll({ ratePerMinute }).done
    expect(progress).toMatchObject({ state: 'done', rotated: 30, failed: {}, remaining: 0 })
    expect(await generations(setup, 30)).toEqual(Array(30).fill(2))
    expect(await setup.latchkey.verify(token)).toMatchObject({ subject: 'tenant-7' })
  })

  it('skips new secrets, disabled tenants and forgotten tenants', async () => {
    const setup = await withTenants(6)
    const olderThan = new Date(setup.clock.now())
    setup.clock.advance(1000)
    await setup.keys.rotate('tenant-1')
    await setup.keys.revoke('tenant-2')
    await setup.keys.disable('tenant-3')
    await setup.keys.forget('tenant-4')
    await setup.keys.provision('tenant-6')
    const progress = await setup.keys.rotateAll({ olderThan, ratePerMinute }).done
    expect(progress).toMatchObject({ rotated: 2, failed: {}, olderThan })
    expect(await generations(setup, 7)).toEqual([2, 2, 2, undefined, undefined, 2, 1])
  })

  it('keeps to its rate', async () => {
    const setup = await withTenants(8)
    const rotation = setup.keys.rotateAll({ ratePerMinute: 600 })
    const startedAt = performance.now()
    await rotation.done
    expect(performance.now() - startedAt).toBeGreaterThan(700)
  })

  it('pauses after the canary until it is resumed', async () => {
    const setup = await withTenants(10)
    const rotation = setup.keys.rotateAll({ ratePerMinute, canary: 3 })
    await expect.poll(() => rotation.progress.state).toBe('paused')
    await sleep(30)
    expect(rotation.progress).toMatchObject({ rotated: 3, remaining: 7 })
    rotation.resume()
    expect(await rotation.done).toMatchObject({ state: 'done', rotated: 10 })
  })

  it('reports its progress, tenant after tenant', async () => {
    const setup = await withTenants(5)
    const reports: RotationProgress[] = []
    await setup.keys.rotateAll({ ratePerMinute: 60_000, onProgress: (progress) => reports.push(progress) }).done
    expect(reports.map(({ remaining }) => remaining)).toEqual([4, 3, 2, 1, 0, 0])
    expect(reports.at(-1)?.state).toBe('done')
    expect(reports[0]?.estimatedEnd).toEqual(new Date(setup.clock.now() + 4))
  })

  it('waits while the store is unavailable, and skips no tenant', async () => {
    let away = true
    const setup = await withTenants(
      0,
      failing(memoryStore(), () => away),
    )
    away = false
    for (let number = 0; number < 5; number += 1) await setup.keys.provision(`tenant-${number}`)
    setup.clock.advance(1)
    away = true
    const rotation = setup.keys.rotateAll({ ratePerMinute })
    await expect.poll(() => rotation.progress.state).toBe('waiting')
    away = false
    expect(await rotation.done).toMatchObject({ state: 'done', rotated: 5, failed: {} })
    expect(await generations(setup, 5)).toEqual(Array(5).fill(2))
  })

  it('skips a tenant that cannot be rotated, and reports the reason', async () => {
    const setup = await withTenants(3)
    for (let count = 0; count < 15; count += 1) await setup.keys.rotate('tenant-1')
    setup.clock.advance(1)
    const progress = await setup.keys.rotateAll({ ratePerMinute }).done
    expect(progress).toMatchObject({ rotated: 2, failed: { too_many_rotations: 1 }, remaining: 0 })
  })

  it('ends when it is stopped, also while it pauses or waits, and when the keys are closed', async () => {
    const setup = await withTenants(20)
    const paused = setup.keys.rotateAll({ ratePerMinute, canary: 2 })
    await expect.poll(() => paused.progress.state).toBe('paused')
    paused.stop()
    expect(await paused.done).toMatchObject({ state: 'stopped', rotated: 2, remaining: 18 })
    const slow = setup.keys.rotateAll({ ratePerMinute: 1 })
    await expect.poll(() => slow.progress.rotated).toBe(1)
    await setup.keys.close()
    expect(await slow.done).toMatchObject({ state: 'stopped', rotated: 1 })
  })

  it('may run twice at once: each tenant is rotated, and counted, by one run', async () => {
    const setup = await withTenants(40)
    const both = await Promise.all([1, 2].map(() => setup.keys.rotateAll({ ratePerMinute }).done))
    expect(both.reduce((sum, { rotated }) => sum + rotated, 0)).toBe(40)
    expect(await generations(setup, 40)).toEqual(Array(40).fill(2))
  })

  it('refuses wrong options', async () => {
    const { keys } = await withTenants(0)
    for (const options of [{ ratePerMinute: 0 }, { canary: -1 }, { olderThan: new Date('never') }, { canary: 0.5 }]) {
      expect(() => keys.rotateAll(options)).toThrow(TypeError)
    }
  })

  it('fails with the error of the store when that is closed', async () => {
    const setup = await withTenants(1)
    await setup.store.close()
    expect(await outcomeOf(() => setup.keys.rotateAll({ ratePerMinute }).done)).toBe('store_closed')
  })

  it('rotates each tenant once, however it is paused, stopped, resumed or run twice, and whatever fails', async () => {
    const act = fc.constantFrom('pause', 'resume', 'stop', 'again', 'away', 'back', 'wait')
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 12 }), fc.integer({ min: 0, max: 6 }), async (acts, canary) => {
        let away = false
        const setup = await withTenants(
          12,
          failing(memoryStore(), () => away),
        )
        const options = { olderThan: new Date(setup.clock.now()), ratePerMinute }
        let latest = setup.keys.rotateAll({ ...options, canary })
        for (const one of acts) {
          if (one === 'again') latest = setup.keys.rotateAll(options)
          else if (one === 'away' || one === 'back') away = one === 'away'
          else if (one === 'wait') await sleep(1)
          else latest[one]()
        }
        away = false
        latest.stop()
        const last = setup.keys.rotateAll(options)
        await last.done
        expect(await generations(setup, 12)).toEqual(Array(12).fill(2))
        await setup.keys.close()
      }),
      { numRuns: 30 },
    )
  })
})

describe.each([
  ['SQLite', emptySqlite],
  ['PostgreSQL', emptyPostgres],
] as const)('a rotation of all tenants that a crash ended, on %s', (_, emptyDatabase) => {
  it('resumes where it stopped, and rotates each tenant once', async () => {
    const database = await emptyDatabase()
    try {
      const store = database.open()
      await store.migrate()
      const setup = await withTenants(60, store)
      const olderThan = setup.clock.now()
      const place = 'path' in database ? database.path : database.url
      const file = new URL('../../support/rotating-process.ts', import.meta.url)
      const process = runTypeScript(file, [place, masterKeys, String(olderThan)])
      await process.line('10 rotated')
      process.child.kill('SIGKILL')
      await process.ended
      const rotation = await setup.keys.rotateAll({ olderThan: new Date(olderThan), ratePerMinute }).done
      expect(rotation.rotated).toBeGreaterThan(0)
      expect(rotation.rotated).toBeLessThanOrEqual(50)
      expect(await generations(setup, 60)).toEqual(Array(60).fill(2))
    } finally {
      await database.remove()
    }
  })
})
