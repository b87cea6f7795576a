import { describe, expect, it } from 'vitest'
import { instantOf } from '../../../src/clock.js'
import type { SharedCache, SharedCacheEntry } from '../../../src/secrets/ports.js'
import { memoryStore } from '../../../src/stores/memory/index.js'
import type { TenantSecrets } from '../../../src/tenant-secrets/tenant-secrets-api.js'
import { createFakeClock } from '../../../src/testing/fake-clock.js'
import { outcomeOf, setUp } from '../../support/setup.js'
import { settle, steer } from '../../support/steered-store.js'

/** A shared cache that can be rolled back. */
class RestorableCache implements SharedCache {
  readonly ttlMs = 600_000
  entries = new Map<string, SharedCacheEntry>()

  async read(kids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    return new Map(
      kids.flatMap((kid) => [this.entries.get(kid)].flatMap((entry) => (entry ? [[kid, entry.value]] : []))),
    )
  }

  async write(entries: readonly SharedCacheEntry[]): Promise<void> {
    for (const entry of entries) this.entries.set(entry.kid, entry)
  }

  async close(): Promise<void> {}
}

/**
 * A process that caches one tenant. Its feed is fresh and has not delivered the change yet, and its
 * shared cache can be rolled back.
 */
async function forgetfulReader() {
  const shared = memoryStore()
  const clock = createFakeClock()
  const writer = setUp({ store: shared, clock })
  const cache = new RestorableCache()
  const steered = steer(shared)
  const reader = setUp({ store: steered.store, clock, keys: { cache, maxTenants: 1 } })
  const { token } = await writer.latchkey.issue({ subject: 'alice', sessionId: 'phone' })
  const other = await writer.latchkey.issue({ subject: 'bob' })
  await reader.keys.ready()
  const prove = () => steered.listeners[0]?.proved(instantOf(clock))
  prove()
  const verify = async (text: string) => {
    const outcome = await outcomeOf(() => reader.latchkey.verify(text))
    await settle()
    return typeof outcome === 'object' ? 'accepted' : outcome
  }
  const forgetAlice = () => verify(other.token)
  return { writer, reader, cache, steered, clock, token, prove, verify, forgetAlice }
}

const endings: Readonly<Record<string, readonly [(keys: TenantSecrets) => Promise<void>, string]>> = {
  'the end of a session': [(keys) => keys.revokeSession('alice', 'phone'), 'session_ended'],
  'a revocation': [(keys) => keys.revoke('alice'), 'token_revoked'],
  'a forgotten tenant': [(keys) => keys.forget('alice'), 'token_revoked'],
  'a disabled tenant': [(keys) => keys.disable('alice'), 'token_revoked'],
  'a required reissue': [(keys) => keys.requireReissue('alice'), 'reissue_required'],
}

describe('a process that has refused a token', () => {
  it.each(Object.entries(endings))(
    'never accepts it from an older entry of the shared cache, before its feed delivers %s',
    async (_, [end, code]) => {
      const { writer, cache, token, verify, forgetAlice } = await forgetfulReader()
      expect(await verify(token)).toBe('accepted')
      const before = new Map(cache.entries)
      await end(writer.keys)
      cache.entries.clear()
      await forgetAlice()
      expect(await verify(token)).toBe(code)
      await forgetAlice()
      cache.entries = new Map(before)
      expect(await verify(token)).toBe(code)
    },
  )

  it('does not accept it either when it read the revocation while signing', async () => {
    const { writer, reader, cache, token, verify, forgetAlice } = await forgetfulReader()
    await verify(token)
    const before = new Map(cache.entries)
    await forgetAlice()
    await writer.keys.requireReissue('alice')
    await reader.latchkey.issue({ subject: 'alice' })
    await forgetAlice()
    cache.entries = new Map(before)
    expect(await verify(token)).toBe('reissue_required')
  })

  it('uses the shared cache again once its feed has delivered the change', async () => {
    const { steered, clock, token, prove, verify, forgetAlice } = await forgetfulReader()
    await verify(token)
    for (let proof = 0; proof < 3; proof += 1) {
      clock.advance(10)
      prove()
    }
    await forgetAlice()
    const { reads } = steered
    expect(await verify(token)).toBe('accepted')
    expect(steered.reads).toBe(reads)
  })
})
