import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { instantOf } from '../../../src/clock.js'
import { Keyring } from '../../../src/sealing/keyring.js'
import type { SharedCache, SharedCacheEntry } from '../../../src/secrets/ports.js'
import { memoryStore } from '../../../src/stores/memory/index.js'
import { createFakeClock } from '../../../src/testing/fake-clock.js'
import { masterKeys, outcomeOf, setUp } from '../../support/setup.js'
import { settle, steer } from '../../support/steered-store.js'

/** A shared cache that the test controls as an attacker with access to Redis could. */
class HostileCache implements SharedCache {
  readonly ttlMs: number = 600_000
  readonly entries = new Map<string, SharedCacheEntry>()
  /** A promise that `read` waits for, so that the test can delay a response. */
  delay: Promise<void> = Promise.resolve()
  reads = 0

  async read(kids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    this.reads += 1
    const found = kids.flatMap((kid) => {
      const entry = this.entries.get(kid)
      return entry === undefined ? [] : [[kid, entry.value] as const]
    })
    await this.delay
    return new Map(found)
  }

  async write(entries: readonly SharedCacheEntry[]): Promise<void> {
    for (const entry of entries) {
      const kept = this.entries.get(entry.kid)
      if (kept === undefined || kept.version <= entry.version) this.entries.set(entry.kid, entry)
    }
  }

  async close(): Promise<void> {}
}

/**
 * Processes that share one store and one cache. The test controls the feed of each; `prove` makes
 * all of them fresh.
 */
function cluster() {
  const shared = memoryStore()
  const cache = new HostileCache()
  const clock = createFakeClock()
  const writer = setUp({ store: shared, clock })
  const steereds: ReturnType<typeof steer>[] = []
  const start = async (ring = masterKeys) => {
    const steered = steer(shared)
    const setup = setUp({ store: steered.store, clock, masterKeys: ring, keys: { cache } })
    await setup.keys.ready()
    steereds.push(steered)
    prove()
    return { ...setup, steered }
  }
  const prove = () => {
    for (const { listeners } of steereds) for (const listener of listeners) listener.proved(instantOf(clock))
  }
  const tell = async (tenant: string) => {
    const version = (await writer.keys.describe(tenant))?.version ?? Number.POSITIVE_INFINITY
    for (const { listeners } of steereds) for (const listener of listeners) listener.changed({ tenant, version })
  }
  return { shared, cache, clock, writer, start, prove, tell }
}

async function warm() {
  const it = cluster()
  const { token } = await it.writer.latchkey.issue({ subject: 'alice' })
  const first = await it.start()
  await first.latchkey.verify(token)
  await settle()
  return { ...it, first, token }
}

describe('a shared cache', () => {
  it('saves another process the read of the store', async () => {
    const { start, token } = await warm()
    const second = await start()
    expect(await second.latchkey.verify(token)).toMatchObject({ subject: 'alice' })
    expect(second.steered.reads).toBe(0)
  })

  it('contains nothing that can be read without a master key', async () => {
    const { cache, writer } = await warm()
    const [entry] = [...cache.entries.values()]
    expect(JSON.stringify(entry)).not.toContain('alice')
    const described = await writer.keys.describe('alice')
    expect(Buffer.from(String(entry?.value), 'base64').toString('latin1')).not.toContain(
      String(described?.secrets[0]?.kid),
    )
  })

  it('receives no entry for a tenant whose secret cannot be opened', async () => {
    const { cache, clock, shared, start } = cluster()
    const process = await start()
    const newRing = `${Keyring.generate('newer')},${masterKeys}`
    const newer = setUp({ store: shared, clock, masterKeys: newRing })
    const { token } = await newer.latchkey.issue({ subject: 'bob' })
    expect(await outcomeOf(() => process.latchkey.verify(token))).toBe('master_key_missing')
    await settle()
    expect(cache.entries.size).toBe(0)
    expect(await (await start(newRing)).latchkey.verify(token)).toMatchObject({ subject: 'bob' })
  })

  it('stores that a kid has ended', async () => {
    const { start, tell, writer, token, first } = await warm()
    await writer.keys.revoke('alice')
    await tell('alice')
    expect(await outcomeOf(() => first.latchkey.verify(token))).toBe('token_revoked')
    await settle()
    const second = await start()
    expect(await outcomeOf(() => second.latchkey.verify(token))).toBe('token_revoked')
    expect(second.steered.reads).toBe(0)
  })
})

describe('a stale entry (C6)', () => {
  it('is not used by a process that received the change', async () => {
    const { start, tell, cache, writer, token } = await warm()
    const old = new Map(cache.entries)
    const second = await start()
    await writer.keys.revoke('alice')
    await tell('alice')
    for (const [kid, entry] of old) cache.entries.set(kid, entry)
    expect(await outcomeOf(() => second.latchkey.verify(token))).toBe('token_revoked')
  })

  it('is not used by a process that starts after the change, even if the cache was rolled back', async () => {
    const { start, cache, writer, token } = await warm()
    const old = new Map(cache.entries)
    await writer.keys.revoke('alice')
    for (const [kid, entry] of old) cache.entries.set(kid, entry)
    const second = await start()
    expect(await outcomeOf(() => second.latchkey.verify(token))).toBe('token_revoked')
  })

  it('is not used when the feed was lost and did not deliver the change', async () => {
    const { cache, writer, token, first, prove } = await warm()
    const old = new Map(cache.entries)
    await writer.keys.revoke('alice')
    for (const [kid, entry] of old) cache.entries.set(kid, entry)
    first.steered.listeners[0]?.lost()
    prove()
    expect(await outcomeOf(() => first.latchkey.verify(token))).toBe('token_revoked')
    await settle()
    prove()
    expect(await outcomeOf(() => first.latchkey.verify(token))).toBe('token_revoked')
  })

  it('is not used without a proof of the feed: the store is read', async () => {
    const { start, clock, token, cache } = await warm()
    const second = await start()
    clock.advance(2001)
    const before = cache.reads
    expect(await second.latchkey.verify(token)).toMatchObject({ subject: 'alice' })
    expect(second.steered.reads).toBe(1)
    expect(cache.reads).toBe(before)
  })

  it('is not used after the feed was lost until the recent changes were read again', async () => {
    const { cache, writer, token, first, prove } = await warm()
    const old = new Map(cache.entries)
    await writer.keys.revoke('alice')
    for (const [kid, entry] of old) cache.entries.set(kid, entry)
    first.steered.store.changesSince = () => new Promise(() => {})
    first.steered.listeners[0]?.lost()
    prove()
    expect(await outcomeOf(() => first.latchkey.verify(token))).toBe('token_revoked')
  })

  it('is not used when it is older than the change log that a process could read', async () => {
    const { shared, cache, clock, writer, token } = await warm()
    const old = new Map(cache.entries)
    await writer.keys.revoke('alice')
    for (const [kid, entry] of old) cache.entries.set(kid, entry)
    const steered = steer(shared)
    steered.store.changesSince = async () => {
      const { history, lowWaterMark } = await shared.lowWaterMark()
      return { history, since: lowWaterMark, changes: [] }
    }
    const late = setUp({ store: steered.store, clock, keys: { cache } })
    await late.keys.ready()
    steered.listeners[0]?.proved(instantOf(clock))
    expect(await outcomeOf(() => late.latchkey.verify(token))).toBe('token_revoked')
  })

  it('stays fresh no longer than the feed proves: a cache hit does not extend it', async () => {
    const { start, clock, writer, token } = await warm()
    const second = await start()
    await writer.keys.revoke('alice')
    clock.advance(1500)
    expect(await second.latchkey.verify(token)).toMatchObject({ subject: 'alice' })
    clock.advance(501)
    expect(await outcomeOf(() => second.latchkey.verify(token))).toBe('token_revoked')
  })

  it('is discarded when the change is delivered during the read', async () => {
    const { start, tell, cache, writer, token } = await warm()
    const second = await start()
    let arrive = () => {}
    cache.delay = new Promise((resolve) => {
      arrive = resolve
    })
    const answer = outcomeOf(() => second.latchkey.verify(token))
    await settle()
    await writer.keys.revoke('alice')
    await tell('alice')
    arrive()
    expect(await answer).toBe('token_revoked')
  })
})

describe('the keys of the shared cache', () => {
  it('are replaced with all others, so that earlier entries are misses and later ones are found', async () => {
    const { start, cache, writer, token } = await warm()
    const before = new Map(cache.entries)
    expect(before.size).toBe(1)
    await writer.keys.replaceKeys()
    const { token: newToken } = await writer.latchkey.issue({ subject: 'alice' })
    const first = await start()
    expect(await outcomeOf(() => first.latchkey.verify(token))).toBe('token_revoked')
    await first.latchkey.verify(newToken)
    await settle()
    const found = await start()
    await found.latchkey.verify(newToken)
    expect(found.steered.reads).toBe(0)
    const [entry] = [...cache.entries.values()].filter(({ kid }) => !before.has(kid))
    const [old] = [...before.values()]
    if (entry === undefined || old === undefined) throw new Error('The tenant was cached before and after.')
    cache.entries.set(entry.kid, { ...entry, value: old.value })
    const missed = await start()
    expect(await missed.latchkey.verify(newToken)).toMatchObject({ subject: 'alice' })
    expect(missed.steered.reads).toBe(1)
  })
})

describe('an entry that was forged, moved or damaged', () => {
  it('is a miss', async () => {
    const { start, cache, writer, token } = await warm()
    const { token: tokenOfBob } = await writer.latchkey.issue({ subject: 'bob' })
    await (await start()).latchkey.verify(tokenOfBob)
    await settle()
    const [alices, bobs] = [...cache.entries.values()]
    if (alices === undefined || bobs === undefined) throw new Error('Two tenants were cached.')
    const forgedBy = Keyring.parse(Keyring.generate('test'))
    const forged = forgedBy.seal(Buffer.from('{"lowWaterMark":9e9,"record":null}'), ['shared-tenant', 1, alices.kid])
    // The master key alone is not enough to forge an entry.
    const byMasterKey = Keyring.parse(masterKeys).seal(Buffer.from('[9e9,null]'), ['shared-tenant', 2, alices.kid])
    const values = [
      `${byMasterKey.masterKeyId}:${byMasterKey.sealed}`,
      bobs.value,
      '',
      'garbage',
      alices.value.slice(0, -2),
      `other:${alices.value.split(':')[1]}`,
      `${forged.masterKeyId}:${forged.sealed}`,
    ]
    for (const value of values) {
      cache.entries.set(alices.kid, { ...alices, value })
      const process = await start()
      expect(await process.latchkey.verify(token)).toMatchObject({ subject: 'alice' })
      expect(process.steered.reads).toBe(1)
      await settle()
    }
  })
})

describe('any sequence of changes, restarts and snapshots', () => {
  it('never lets a revoked token pass, and never refuses a valid one with 401', async () => {
    const step = fc.constantFrom(
      'verify',
      'revoke',
      'rotate',
      'snapshot',
      'set back',
      'flush',
      'restart',
      'lost',
      'wait',
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
        const { cache, writer, start, tell, prove, clock } = cluster()
        let process = await start()
        let { token } = await writer.latchkey.issue({ subject: 'alice', expiresIn: 86_400 })
        const dead: string[] = []
        let snapshot = new Map(cache.entries)
        for (const name of steps) {
          if (name === 'verify') await process.latchkey.verify(token)
          else if (name === 'revoke') {
            await writer.keys.revoke('alice')
            dead.push(token)
            token = (await writer.latchkey.issue({ subject: 'alice', expiresIn: 86_400 })).token
            await tell('alice')
          } else if (name === 'rotate') {
            await writer.keys.rotate('alice').catch(() => {})
            await tell('alice')
          } else if (name === 'snapshot') snapshot = new Map(cache.entries)
          else if (name === 'flush') cache.entries.clear()
          else if (name === 'restart') process = await start()
          else if (name === 'lost') process.steered.listeners[0]?.lost()
          else if (name === 'wait') clock.advance(1500)
          else {
            cache.entries.clear()
            for (const [kid, entry] of snapshot) cache.entries.set(kid, entry)
          }
          await settle()
          if (name !== 'wait') prove()
          expect(await process.latchkey.verify(token)).toMatchObject({ subject: 'alice' })
          for (const old of dead) expect(await outcomeOf(() => process.latchkey.verify(old))).toBe('token_revoked')
        }
      }),
      { numRuns: 100 },
    )
  })
})

describe('a shared cache with a longer TTL than the change log', () => {
  it('is refused, because its stale entries could not be recognised', () => {
    const keeping = (ttlMs: number) => setUp({ keys: { cache: Object.assign(new HostileCache(), { ttlMs }) } })
    expect(() => keeping(1_800_001)).toThrow(TypeError)
    expect(() => keeping(Number.NaN)).toThrow(TypeError)
    expect(() => keeping(1_800_000)).not.toThrow()
  })
})
