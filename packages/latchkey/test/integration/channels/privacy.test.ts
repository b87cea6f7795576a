import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startRedis } from '../../../../../test/support/start-redis.js'
import { createSessions } from '../../../src/sessions/index.js'
import { redisCache } from '../../../src/stores/redis/index.js'
import type { SqlClient, SqlStore } from '../../../src/stores/sql/index.js'
import type { TenantSecrets } from '../../../src/tenant-secrets/tenant-secrets-api.js'
import { emptySqlite } from '../../support/databases.js'
import { plainNames, recordChannel, recordTrace, tracedNames } from '../../support/record-channel.js'
import { masterKeys, outcomeOf, type Setup, setUp } from '../../support/setup.js'

type Step = (setup: Pick<Setup, 'keys' | 'latchkey' | 'store'>, tenant: string, sessionId: string) => Promise<unknown>

const steps: Record<string, Step> = {
  rotate: ({ keys }, tenant) => keys.rotate(tenant),
  revoke: ({ keys }, tenant) => keys.revoke(tenant),
  'revoke a session': ({ keys }, tenant, sessionId) => keys.revokeSession(tenant, sessionId),
  'require a reissue': ({ keys }, tenant) => keys.requireReissue(tenant),
  'set grants': ({ keys }, tenant) => keys.setGrants(tenant, { roles: ['role-kept-private'] }),
  'revoke in a transaction': ({ keys, store }, tenant) =>
    store.transaction(async (client) => {
      await keys.revoke(tenant, { client })
      throw new Error('The application changed its mind.')
    }),
  disable: ({ keys }, tenant) => keys.disable(tenant),
  enable: ({ keys }, tenant) => keys.enable(tenant),
}

/** Runs a session until its token is reused, and returns the texts that no message may contain. */
async function refreshedTexts({ keys, latchkey }: Setup, store: SqlStore, tenant: string): Promise<string[]> {
  const sessions = createSessions({ keys: keys as TenantSecrets<SqlClient>, latchkey, store })
  const origin = { device: 'device-kept-private', userAgent: 'agent-kept-private', address: '192.0.2.77' }
  const started = await sessions.start(tenant, origin).catch(() => undefined)
  if (started === undefined) return []
  const second = await sessions.refresh(started.refreshToken, origin)
  await sessions.refresh(second.refreshToken, origin)
  await outcomeOf(() => sessions.refresh(started.refreshToken, origin))
  const texts = [started, second].flatMap(({ accessToken, refreshToken }) => [...accessToken.split('.'), refreshToken])
  return [...texts, started.session.id, ...Object.values(origin)]
}

/** Returns all of an object that a log could show, however deep. */
const shown = (value: unknown) =>
  inspect(value, { depth: Number.POSITIVE_INFINITY, maxArrayLength: null, maxStringLength: null })

describe('messages of all channels', () => {
  it('hold no token, key ID, session ID, grant or master key, and the tenant only where it changes or has a session', async () => {
    const redis = await startRedis()
    const database = await emptySqlite()
    onTestFinished(async () => {
      await database.remove()
      await redis.dispose()
    })
    const store = database.open()
    await store.migrate()
    const plain = plainNames.map((name) => [name, recordChannel<object>(name)] as const)
    const traced = tracedNames.map((name) => [`tracing:${name}`, recordTrace<object>(name)] as const)
    const recorded = [...plain, ...traced]
    const hidden = new Set([...masterKeys.split(/[:,]/), 'role-kept-private'].filter((text) => text.length > 10))
    const tenants = new Set<string>()
    await fc.assert(
      fc.asyncProperty(
        fc.uuid(),
        fc.array(fc.constantFrom(...Object.keys(steps)), { maxLength: 6 }),
        async (id, names) => {
          const tenant = `tenant-${id}`
          tenants.add(tenant)
          const caches = [redisCache({ url: redis.url }), redisCache({ url: redis.url })]
          const setups = caches.map((cache) => setUp({ store, keys: { cache } }))
          for (const setup of setups) {
            for (const name of ['rotate', ...names]) {
              const issued = await outcomeOf(() => setup.latchkey.issue({ subject: tenant }))
              if (typeof issued === 'object' && issued !== null && 'token' in issued) {
                const { token, sessionId, tokenId } = issued as { token: string; sessionId: string; tokenId: string }
                for (const text of [...token.split('.'), sessionId, tokenId]) hidden.add(text)
                for (const { latchkey } of setups) await outcomeOf(() => latchkey.verify(token))
                await outcomeOf(() => setup.latchkey.verify(`${token}A`))
                await steps[name]?.(setup, tenant, sessionId).catch(() => {})
                for (const text of await refreshedTexts(setup, store, tenant)) hidden.add(text)
              }
              for (const record of (await store.readTenants([tenant])).values()) {
                for (const { kid, sealed } of record.secrets) hidden.add(kid).add(sealed)
                if (record.grants !== null) hidden.add(record.grants.sealed)
              }
            }
          }
          for (const { keys } of setups) await keys.close()
          for (const cache of caches) await cache.close()
        },
      ),
      { numRuns: 15 },
    )
    for (const [name, messages] of recorded) {
      expect([name, messages.length > 0]).toEqual([name, true])
      const text = messages.map(shown).join('\n')
      expect([name, [...hidden].filter((secret) => text.includes(secret))]).toEqual([name, []])
      const named = ['latchkey:lifecycle', 'latchkey:session'].includes(name)
        ? []
        : [...tenants].filter((tenant) => text.includes(tenant))
      expect([name, named]).toEqual([name, []])
    }
  })
})
