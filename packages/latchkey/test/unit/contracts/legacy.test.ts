import { createHmac, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import jsonwebtoken from 'jsonwebtoken'
import { afterEach, describe, expect, it } from 'vitest'
import { instantOf } from '../../../src/clock.js'
import type { Latchkey } from '../../../src/latchkey-api.js'
import { Keyring } from '../../../src/sealing/keyring.js'
import type { TenantStore } from '../../../src/secrets/ports.js'
import { memoryStore } from '../../../src/stores/memory/index.js'
import { createFakeClock } from '../../../src/testing/fake-clock.js'
import { decode, oldSecret, signOld, switched, until } from '../../support/legacy.js'
import { masterKeys, outcomeOf, type Setup, setUp } from '../../support/setup.js'
import { settle, steer } from '../../support/steered-store.js'

const opened: Latchkey[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((latchkey) => latchkey.close()))
})

/** A process that has switched, closed at the end of the test. */
function open(...options: Parameters<typeof switched>): Setup {
  const setup = switched(...options)
  opened.push(setup.latchkey)
  return setup
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs

describe('a legacy token', () => {
  it('is accepted until it expires, or until the date, whichever is first', async () => {
    const { latchkey, clock } = open()
    const [week, century, endless] = [
      signOld({ clock }),
      signOld({ clock }, { exp: 4_000_000_000 }),
      signOld({ clock }, { exp: undefined }),
    ] as const
    const outcomes = async () => [
      await outcomeOf(async () => (await latchkey.verify(week)).subject),
      await outcomeOf(async () => (await latchkey.verify(century)).subject),
      await outcomeOf(async () => (await latchkey.verify(endless)).subject),
    ]
    expect(await outcomes()).toEqual(['alice', 'alice', 'alice'])
    clock.advance(7 * dayMs + 5000)
    expect(await outcomes()).toEqual(['token_expired', 'alice', 'alice'])
    clock.advance(until.getTime() - clock.now() - 1)
    expect(await outcomes()).toEqual(['token_expired', 'alice', 'alice'])
    clock.advance(1)
    expect(await outcomes()).toEqual(['token_expired', 'token_expired', 'token_expired'])
  })

  it('is verified in memory once its tenant is known, whether the tenant exists or not', async () => {
    const { latchkey, clock, keys } = open()
    await keys.provision('alice')
    for (const userId of ['alice', 'bob']) {
      await latchkey.verify(signOld({ clock }, { userId }))
      const second = signOld({ clock }, { userId, n: 2 })
      const auth = latchkey.verify(second)
      expect(auth).toMatchObject({ subject: userId })
      expect(latchkey.verify(second)).toBe(auth)
    }
    expect(latchkey.tokenCacheUse()).toMatchObject({ hits: 2 })
  })

  it('is not valid before its time', async () => {
    const { latchkey, clock } = open()
    const nowSec = clock.now() / 1000
    for (const early of [{ iat: nowSec + 6 }, { nbf: nowSec + 6 }]) {
      expect(await outcomeOf(() => latchkey.verify(signOld({ clock }, early)))).toBe('token_not_yet_valid')
    }
  })

  it('costs no read of the store if it has expired, and one in all while its user is read', async () => {
    const steered = steer()
    const { latchkey, clock, keys } = open({ store: steered.store })
    await keys.ready()
    const old = signOld({ clock }, { userId: 'bob', exp: clock.now() / 1000 - 6 })
    expect(await outcomeOf(() => latchkey.verify(old))).toBe('token_expired')
    expect(steered.reads).toBe(0)
    const tokens = Array.from({ length: 20 }, (_, n) => signOld({ clock }, { n }))
    await Promise.all(tokens.map((token) => latchkey.verify(token)))
    expect(steered.reads).toBe(1)
  })

  it('of a user whose ID no store can hold is refused', async () => {
    const { latchkey, clock } = open()
    for (const userId of ['a\0b', 'x'.repeat(256)]) {
      const refused = outcomeOf(() => latchkey.verify(signOld({ clock }, { userId })))
      expect(await refused).toBe('claim_invalid')
    }
  })
})

describe('the end of legacy tokens', () => {
  it.each(['revoke', 'requireReissue', 'forget', 'disable'] as const)(
    'comes with %s, for a user with a tenant and for one without, and no other user loses a token',
    async (change) => {
      const { latchkey, keys, clock } = open()
      await keys.provision('alice')
      for (const userId of ['alice', 'bob']) {
        const token = signOld({ clock }, { userId })
        const other = signOld({ clock }, { userId: 'carol' })
        await latchkey.verify(token)
        await latchkey.verify(other)
        await keys[change](userId)
        const code = change === 'disable' ? 'tenant_disabled' : 'token_revoked'
        expect(await outcomeOf(() => latchkey.verify(token))).toBe(code)
        expect(await latchkey.verify(other)).toMatchObject({ subject: 'carol' })
      }
    },
  )

  it('does not come with a rotation, a new secret, or new grants', async () => {
    const { latchkey, keys, clock } = open()
    const token = signOld({ clock })
    await latchkey.verify(token)
    await latchkey.issue({ subject: 'alice' })
    expect(await latchkey.verify(token)).toMatchObject({ grants: { roles: [] } })
    await keys.rotate('alice')
    expect(await latchkey.verify(token)).toMatchObject({ subject: 'alice' })
    await keys.setGrants('alice', { roles: ['editor'] })
    expect(await latchkey.verify(token)).toMatchObject({ grants: { roles: ['editor'] } })
  })

  it('is final, whatever happens to the tenant afterwards', async () => {
    const { latchkey, keys, clock } = open()
    const token = signOld({ clock })
    await keys.revoke('alice')
    const later: readonly (() => Promise<unknown>)[] = [
      () => keys.rotate('alice'),
      async () => latchkey.issue({ subject: 'alice' }),
      () => keys.disable('alice'),
      () => keys.enable('alice'),
      () => keys.requireReissue('alice'),
      () => keys.forget('alice'),
      () => keys.prune(),
      () => keys.provision('alice'),
      () => keys.setGrants('alice', { roles: ['editor'] }),
      () => keys.forget('alice'),
      async () => clock.advance(5 * dayMs),
      () => keys.prune(),
      () => keys.forget('alice'),
    ]
    for (const step of later) {
      await step()
      expect(['token_revoked', 'tenant_disabled']).toContain(await outcomeOf(() => latchkey.verify(token)))
    }
    expect(await keys.describe('alice')).toBeUndefined()
  })

  it('includes a token of the same second, and those of the tolerance after it', async () => {
    for (const clockTolerance of [0, 60, 300]) {
      const { latchkey, keys, clock } = open({ latchkey: { clockTolerance: 0 } }, { clockTolerance })
      clock.advance(400)
      const before = signOld({ clock })
      await keys.revoke('alice')
      clock.advance(599)
      expect(await outcomeOf(() => latchkey.verify(signOld({ clock })))).toBe('token_revoked')
      clock.advance(clockTolerance * 1000)
      expect(await outcomeOf(() => latchkey.verify(signOld({ clock }, { n: 1 })))).toBe('token_revoked')
      clock.advance(1)
      expect(await latchkey.verify(signOld({ clock }, { n: 2 }))).toMatchObject({ subject: 'alice' })
      expect(await outcomeOf(() => latchkey.verify(before))).toBe('token_revoked')
    }
  })

  it('reaches every token that was accepted before, whatever its iat and the tolerances', async () => {
    const seconds = fc.integer({ min: -400, max: 400 })
    const tolerance = fc.integer({ min: 0, max: 300 })
    await fc.assert(
      fc.asyncProperty(
        fc.record({ iat: fc.option(seconds, { nil: undefined }), tolerance, own: tolerance, ms: fc.nat(999) }),
        async ({ iat, tolerance, own, ms }) => {
          const { latchkey, keys, clock } = switched(
            { latchkey: { clockTolerance: own } },
            { clockTolerance: tolerance },
          )
          try {
            clock.advance(ms)
            const nowSec = Math.floor(clock.now() / 1000)
            const token = signOld({ clock }, { iat: iat === undefined ? undefined : nowSec + iat })
            const first = await outcomeOf(() => latchkey.verify(token))
            await keys.revoke('alice')
            const isEnded = async () => typeof (await outcomeOf(() => latchkey.verify(token))) === 'string'
            expect(await isEnded()).toBe(true)
            if (typeof first !== 'object') return
            clock.advance(301_000)
            expect(await outcomeOf(() => latchkey.verify(token))).toBe('token_revoked')
          } finally {
            await latchkey.close()
          }
        },
      ),
      { numRuns: 150 },
    )
  })

  it('comes at the first revocation for a token without iat, and never for one whose user had none', async () => {
    const { latchkey, keys, clock } = open()
    const timeless = jsonwebtoken.sign({ userId: 'alice' }, oldSecret, { noTimestamp: true })
    expect(decode(timeless, 1)).toEqual({ userId: 'alice' })
    clock.advance(20 * dayMs)
    expect(await latchkey.verify(timeless)).toMatchObject({ issuedAt: 0, subject: 'alice' })
    await keys.revoke('alice')
    expect(await outcomeOf(() => latchkey.verify(timeless))).toBe('token_revoked')
  })

  it('is not postponed by a clock that was set back', async () => {
    const { latchkey, keys, clock } = open()
    clock.advance(hourMs)
    const token = signOld({ clock })
    await keys.revoke('alice')
    clock.step(-hourMs)
    await keys.revoke('alice')
    clock.step(hourMs)
    expect(await outcomeOf(() => latchkey.verify(token))).toBe('token_revoked')
  })

  it('ends a watch', async () => {
    const { latchkey, keys, clock } = open()
    const reasons: string[] = []
    latchkey.watch(await latchkey.verify(signOld({ clock })), (reason) => reasons.push(reason.code))
    await keys.revoke('alice')
    await expect.poll(() => reasons).toEqual(['token_revoked'])
  })

  it('is not known to a process without legacy tokens, which refuses to end what it does not know', async () => {
    const store = memoryStore()
    const { clock } = open({ store })
    const plain = setUp({ store, clock })
    opened.push(plain.latchkey)
    await expect(plain.keys.revoke('alice')).rejects.toMatchObject({ code: 'tenant_unknown' })
    await plain.keys.forget('alice')
    expect(await plain.keys.describe('alice')).toBeUndefined()
  })
})

describe('a tenant that was deleted while legacy tokens are accepted', () => {
  it('is unknown, can be created again, and is removed for good after the date', async () => {
    const { latchkey, keys, clock, store } = open()
    await keys.provision('alice')
    await keys.setGrants('alice', { roles: ['editor'] })
    await keys.forget('alice')
    await keys.forget('bob')
    for (const change of ['rotate', 'enable'] as const) {
      await expect(keys[change]('alice')).rejects.toMatchObject({ code: 'tenant_unknown' })
    }
    for (const grants of [null, { roles: ['admin'] }]) {
      await expect(keys.setGrants('alice', grants)).rejects.toMatchObject({ code: 'tenant_unknown' })
    }
    const { token } = await latchkey.issue({ subject: 'alice' })
    expect(await latchkey.verify(token)).toMatchObject({ grants: { roles: [] } })
    clock.advance(until.getTime() - clock.now() + 2 * dayMs)
    await keys.prune()
    expect([...(await store.readTenants(['alice', 'bob'])).keys()]).toEqual(['alice'])
    await keys.forget('alice')
    expect((await store.readTenants(['alice'])).size).toBe(0)
  })

  it('has no valid legacy token, not even a later one, until it exists again', async () => {
    const { latchkey, keys, clock } = open()
    await keys.forget('alice')
    clock.advance(hourMs)
    expect(await outcomeOf(() => latchkey.verify(signOld({ clock })))).toBe('token_revoked')
    await keys.provision('alice')
    expect(await latchkey.verify(signOld({ clock }, { n: 1 }))).toMatchObject({ subject: 'alice' })
  })
})

describe('the session of a legacy token', () => {
  it('ends alone, and stays ended until the date, whatever is pruned', async () => {
    for (const sid of [undefined, 'phone']) {
      const { latchkey, keys, clock } = open({ keys: { maxTokenTtl: 60 } })
      const [phone, laptop] = [
        signOld({ clock }, { exp: undefined, sid }),
        signOld({ clock }, { exp: undefined, n: 2 }),
      ]
      const { sessionId = '' } = await latchkey.verify(phone)
      await keys.revokeSession('alice', sessionId)
      for (let day = 0; day < 30; day += 1) {
        expect(await outcomeOf(() => latchkey.verify(phone))).toBe('session_ended')
        expect(await latchkey.verify(laptop)).toMatchObject({ subject: 'alice' })
        clock.advance(day === 29 ? dayMs - 1000 : dayMs)
        await keys.prune()
        await keys.revokeSession('alice', `tablet-${day}`)
        await keys.rotate('alice').catch(() => {})
      }
      expect(await outcomeOf(() => latchkey.verify(phone))).not.toMatchObject({ subject: 'alice' })
    }
  })

  it('stays ended when more sessions end than are stored', async () => {
    const { latchkey, keys, clock } = open()
    const token = signOld({ clock })
    const { sessionId = '' } = await latchkey.verify(token)
    await keys.revokeSession('alice', sessionId)
    for (let n = 0; n < 101; n += 1) await keys.revokeSession('alice', `session-${n}`)
    expect(['session_ended', 'token_revoked']).toContain(await outcomeOf(() => latchkey.verify(token)))
  })

  it('is no session of sessionIds, which only authenticates those of other tokens', async () => {
    const { sessionIds } = await import('../../../src/claims/session-ids.js')
    const { latchkey, clock } = open({ latchkey: { sessionIds: sessionIds(randomBytes(32)) } })
    expect(await latchkey.verify(signOld({ clock }))).toMatchObject({ subject: 'alice' })
  })
})

describe('the freshness of a legacy token (C4)', () => {
  async function twoProcesses() {
    const shared = memoryStore()
    const clock = createFakeClock()
    const writer = open({ store: shared, clock })
    const steered = steer(shared)
    const reader = open({ store: steered.store, clock, keys: { maxStaleness: 2000 } })
    const token = signOld({ clock })
    await reader.latchkey.verify(token)
    const [feed] = steered.listeners
    if (feed === undefined) throw new Error('The reader does not listen.')
    return { clock, writer, reader, steered, feed, token }
  }

  it.each([true, false])('is that of its tenant, which exists: %s', async (exists) => {
    const { clock, writer, reader, token } = await twoProcesses()
    if (exists) {
      await writer.keys.provision('alice')
      clock.advance(2001)
      await reader.latchkey.verify(token)
    }
    await writer.keys.revoke('alice')
    clock.advance(2000)
    expect(await reader.latchkey.verify(token)).toMatchObject({ subject: 'alice' })
    clock.advance(1)
    expect(await outcomeOf(() => reader.latchkey.verify(token))).toBe('token_revoked')
  })

  it('is an error with 503 without the database, never an accept', async () => {
    const { clock, reader, steered, token } = await twoProcesses()
    clock.advance(2001)
    steered.setReachable(false)
    expect(await outcomeOf(() => reader.latchkey.verify(token))).toBe('store_unavailable')
    const unseen = signOld({ clock }, { userId: 'bob' })
    expect(await outcomeOf(() => reader.latchkey.verify(unseen))).toBe('store_unavailable')
    steered.setReachable(true)
    expect(await reader.latchkey.verify(token)).toMatchObject({ subject: 'alice' })
  })

  it('is proved by the feed, also for a user without a tenant, until the feed reports a change', async () => {
    const { clock, writer, reader, steered, feed, token } = await twoProcesses()
    const before = steered.reads
    for (let count = 0; count < 10; count += 1) {
      feed.proved(instantOf(clock))
      clock.advance(2000)
      expect(await reader.latchkey.verify(token)).toMatchObject({ subject: 'alice' })
    }
    expect(steered.reads).toBe(before)
    await writer.keys.revoke('alice')
    feed.changed({ tenant: 'alice', version: 1_000_000 })
    expect(await outcomeOf(() => reader.latchkey.verify(token))).toBe('token_revoked')
  })

  it('is not that of a read during which the tenant was revoked', async () => {
    const { clock, writer, reader, steered, feed } = await twoProcesses()
    feed.proved(instantOf(clock))
    const token = signOld({ clock }, { userId: 'bob' })
    steered.holdReads()
    const answer = outcomeOf(() => reader.latchkey.verify(token))
    while (steered.held.length === 0) await settle()
    await writer.keys.revoke('bob')
    const version = (await writer.store.readTenants(['bob'])).get('bob')?.version ?? 0
    feed.changed({ tenant: 'bob', version })
    feed.proved(instantOf(clock))
    steered.release()
    expect(await answer).toBe('token_revoked')
    expect(await outcomeOf(() => reader.latchkey.verify(token))).toBe('token_revoked')
  })

  it('is lost with the feed', async () => {
    const { writer, reader, feed, token } = await twoProcesses()
    await writer.keys.revoke('alice')
    feed.lost()
    expect(await outcomeOf(() => reader.latchkey.verify(token))).toBe('token_revoked')
  })

  it('survives eviction: a tenant that left memory is read again', async () => {
    const { latchkey, keys, clock } = open({ keys: { maxTenants: 2 } })
    const tokens = Array.from({ length: 10 }, (_, n) => signOld({ clock }, { userId: `user-${n}` }))
    for (const token of tokens) await latchkey.verify(token)
    await keys.revoke('user-0')
    const outcomes = await Promise.all(tokens.map((token) => outcomeOf(() => latchkey.verify(token))))
    expect(outcomes[0]).toBe('token_revoked')
    expect(outcomes.slice(1).every((outcome) => typeof outcome === 'object')).toBe(true)
  })

  it('does not come from a shared cache, whose entries carry the time of the revocation', async () => {
    const shared = memoryStore()
    const clock = createFakeClock()
    const entries = new Map<string, string>()
    const cache = {
      ttlMs: 600_000,
      read: async (kids: readonly string[]) =>
        new Map(
          kids
            .flatMap((kid) => [[kid, entries.get(kid)] as const])
            .filter((entry): entry is [string, string] => entry[1] !== undefined),
        ),
      write: async (written: readonly { readonly kid: string; readonly value: string }[]) => {
        for (const { kid, value } of written) entries.set(kid, value)
      },
      close: async () => {},
    }
    const old = signOld({ clock })
    const writer = open({ store: shared, clock })
    await writer.keys.revoke('alice')
    const { token } = await writer.latchkey.issue({ subject: 'alice' })
    const first = open({ store: shared, clock, keys: { cache } })
    await first.latchkey.verify(token)
    await settle()
    const steered = steer(shared)
    const second = open({ store: steered.store, clock, keys: { cache } })
    await second.keys.ready()
    steered.listeners[0]?.proved(instantOf(clock))
    await second.latchkey.verify(token)
    expect([entries.size, steered.reads]).toEqual([1, 0])
    expect(await outcomeOf(() => second.latchkey.verify(old))).toBe('token_revoked')
    expect(steered.reads).toBe(0)
  })
})

describe('an attacker who knows the old secret (C1)', () => {
  it('can sign for any user until the date, so that these tests attack for real', async () => {
    const { latchkey, keys, clock } = open()
    await keys.revoke('alice')
    clock.advance(hourMs)
    expect(await latchkey.verify(signOld({ clock }, { userId: 'alice' }))).toMatchObject({ subject: 'alice' })
  })

  it('gets no right that is not stored for the user', async () => {
    const { latchkey, keys, clock } = open()
    const rights = { roles: ['admin'], scope: 'all:write posts:read', grants: { roles: ['admin'] }, role: 'admin' }
    const stranger = await latchkey.verify(signOld({ clock }, { ...rights, userId: 'nobody' }))
    expect(stranger.grants).toEqual({ roles: [], scope: '' })
    await keys.provision('alice')
    await keys.setGrants('alice', { roles: ['reader'], scope: 'posts:read posts:write' })
    const auth = await latchkey.verify(signOld({ clock }, rights))
    expect(auth.grants).toEqual({ roles: ['reader'], scope: 'posts:read' })
    expect(auth.claims).toMatchObject({ role: 'admin' })
    expect(Object.isFrozen(auth.claims)).toBe(true)
  })

  it('gets nothing after the date, nor for a disabled user', async () => {
    const { latchkey, keys, clock } = open()
    await keys.disable('alice')
    expect(await outcomeOf(() => latchkey.verify(signOld({ clock })))).toBe('tenant_disabled')
    clock.advance(until.getTime() - clock.now())
    expect(await outcomeOf(() => latchkey.verify(signOld({ clock }, { userId: 'bob' })))).toBe('token_expired')
  })

  it('cannot pass a token as one of a tenant, under any key ID', async () => {
    const { latchkey, clock } = open()
    const { token } = await latchkey.issue({ subject: 'alice' })
    const [header] = token.split('.')
    const input = `${header}.${Buffer.from(JSON.stringify({ ...decode(token, 1), userId: 'alice' })).toString('base64url')}`
    const forged = `${input}.${createHmac('sha256', oldSecret).update(input).digest('base64url')}`
    expect(await outcomeOf(() => latchkey.verify(forged))).toBe('signature_invalid')
    const reordered = withHeader(
      { kid: decode(token, 0).kid, alg: 'HS256', typ: 'JWT' },
      { userId: 'alice' },
      oldSecret,
    )
    expect(await outcomeOf(() => latchkey.verify(reordered))).toBe('type_mismatch')
    const likeOurs = withHeader(
      { alg: 'HS256', typ: 'at+jwt', kid: randomBytes(24).toString('base64url') },
      { userId: 'alice', iat: clock.now() / 1000 },
      oldSecret,
    )
    expect(await latchkey.verify(likeOurs)).toMatchObject({ kid: 'legacy' })
  })

  it('cannot revive the key ID of an ended secret as a legacy token', async () => {
    const { latchkey, keys } = open()
    const { token } = await latchkey.issue({ subject: 'alice' })
    await keys.revoke('alice')
    const { kid } = decode(token, 0)
    const forged = withHeader({ alg: 'HS256', typ: 'at+jwt', kid }, { userId: 'alice' }, oldSecret)
    expect(await outcomeOf(() => latchkey.verify(forged))).toBe('token_revoked')
  })
})

describe('an attacker with the secret of one tenant, while legacy tokens are accepted', () => {
  it('cannot sign a legacy token with it', async () => {
    const setup = open()
    const { token } = await setup.latchkey.issue({ subject: 'alice' })
    const secret = await secretOf(setup.store, 'alice')
    const forged = withHeader(decode(token, 0), decode(token, 1), secret)
    expect(await setup.latchkey.verify(forged)).toMatchObject({ subject: 'alice' })
    for (const header of [
      { alg: 'HS256' },
      { alg: 'HS256', typ: 'JWT' },
      { alg: 'HS256', typ: 'at+jwt' },
      { alg: 'HS256', typ: 'JWT', kid: 'legacy' },
      { alg: 'HS256', typ: 'at+jwt', kid: randomBytes(24).toString('base64url') },
    ]) {
      const claims = { ...decode(token, 1), userId: 'bob', sub: 'bob' }
      expect(await outcomeOf(() => setup.latchkey.verify(withHeader(header, claims, secret)))).toBe('signature_invalid')
    }
  })
})

describe('a flood of forged legacy tokens (C2)', () => {
  it('is refused in memory, whatever key IDs it names', async () => {
    const steered = steer()
    const { latchkey, keys, clock } = open({ store: steered.store })
    await keys.ready()
    const genuine = signOld({ clock })
    const [, payload] = genuine.split('.')
    const headers = [{ alg: 'HS256' }, { alg: 'HS256', kid: 'x' }, { alg: 'HS256', typ: 'at+jwt', kid: 'k'.repeat(32) }]
    for (let count = 0; count < 300; count += 1) {
      const kid = randomBytes(24).toString('base64url')
      const header = Buffer.from(JSON.stringify(headers[count % 4] ?? { alg: 'HS256', kid })).toString('base64url')
      const forged = `${header}.${payload}.${randomBytes(32).toString('base64url')}`
      expect(await outcomeOf(() => latchkey.verify(forged))).toBe('signature_invalid')
    }
    expect(steered.reads).toBe(0)
  })

  it('is refused before it is decoded, if its tokens are too large', async () => {
    const { latchkey, clock } = open({ latchkey: { maxTokenBytes: 1000 } })
    const large = signOld({ clock }, { data: 'x'.repeat(1000) })
    expect(await outcomeOf(() => latchkey.verify(large))).toBe('token_too_large')
  })
})

describe('the tokens of tenants, while legacy tokens are accepted', () => {
  it('keep every check and code', async () => {
    const { latchkey, keys } = open()
    const { token } = await latchkey.issue({ subject: 'alice' })
    const header = decode(token, 0)
    const secret = randomBytes(32)
    const outcome = (forged: object, claims: object = decode(token, 1)) =>
      outcomeOf(() => latchkey.verify(withHeader(forged, claims, secret)))
    expect(await outcome(header)).toBe('signature_invalid')
    expect(await outcome({ ...header, typ: 'JWT' })).toBe('type_mismatch')
    expect(await outcome({ ...header, alg: 'HS512' })).toBe('algorithm_refused')
    expect(await outcome({ ...header, alg: 'ES256' })).toBe('algorithm_refused')
    expect(await outcome({ ...header, alg: 'none' })).toBe('algorithm_refused')
    expect(await outcome({ ...header, crit: [] })).toBe('header_refused')
    await keys.revoke('alice')
    expect(await outcomeOf(() => latchkey.verify(token))).toBe('token_revoked')
  })

  it('are verified in memory, as without', async () => {
    const { latchkey } = open({ latchkey: { tokenCache: false } })
    const { token } = await latchkey.issue({ subject: 'alice' })
    expect(latchkey.verify(token)).not.toBeInstanceOf(Promise)
  })
})

function withHeader(header: object, claims: object, secret: Uint8Array | string): string {
  const input = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

async function secretOf(store: TenantStore, tenant: string): Promise<Buffer> {
  const stored = (await store.readTenants([tenant])).get(tenant)?.secrets[0]
  if (stored === undefined) throw new Error('The tenant has no secret.')
  const binding = ['tenant-secret', tenant, stored.kid, stored.generation, stored.algorithm] as const
  return Keyring.parse(masterKeys).open(stored, binding)
}
