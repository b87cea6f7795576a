import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SessionMessage } from '../../../src/channels.js'
import { sessionIds } from '../../../src/claims/session-ids.js'
import { createSessions, type SessionsOptions, type SessionTokens } from '../../../src/sessions/index.js'
import { type MemoryStore, type MemoryTransaction, memoryStore } from '../../../src/stores/memory/index.js'
import type { TenantSecrets } from '../../../src/tenant-secrets/tenant-secrets-api.js'
import { recordChannel } from '../../support/record-channel.js'
import { outcomeOf, type SetupOptions, setUp } from '../../support/setup.js'

const day = 86_400_000
const phone = { userAgent: 'app/1', address: '192.0.2.1' }

function openSessions(
  options: Partial<SessionsOptions<MemoryTransaction>> = {},
  { store = memoryStore(), ...setup }: Omit<SetupOptions, 'store' | 'clock'> & { store?: MemoryStore } = {},
) {
  const { keys, latchkey, clock } = setUp({ store, ...setup })
  const ofStore = keys as TenantSecrets<MemoryTransaction>
  const sessions = createSessions<MemoryTransaction>({ latchkey, keys: ofStore, store, clock, ...options })
  const verify = (token: string) => outcomeOf(async () => (await latchkey.verify(token)).sessionId)
  return { sessions, keys: ofStore, latchkey, clock, store, verify }
}

/** Returns the code of the refusal, or `undefined` for new tokens. */
async function refused(refreshing: Promise<SessionTokens>): Promise<unknown> {
  const outcome = await outcomeOf(() => refreshing)
  return typeof outcome === 'string' ? outcome : undefined
}

describe('a session', () => {
  it('has access tokens of its own, and a new refresh token after each use', async () => {
    const { sessions, verify } = openSessions()
    const first = await sessions.start('ada', phone)
    expect(await verify(first.accessToken)).toBe(first.session.id)
    expect(first.accessTokenExpiresIn).toBe(900)
    const second = await sessions.refresh(first.refreshToken, phone)
    expect(second.session.id).toBe(first.session.id)
    expect(second.refreshToken).not.toBe(first.refreshToken)
    expect(await verify(second.accessToken)).toBe(first.session.id)
    expect(await verify(first.accessToken)).toBe(first.session.id)
  })

  it('is listed with its origin, the last used first', async () => {
    const { sessions, clock } = openSessions()
    const older = await sessions.start('ada', phone)
    clock.advance(1000)
    const newer = await sessions.start('ada', { userAgent: `browser\n${'x'.repeat(500)}`, address: '2001:db8::1' })
    await sessions.start('bob')
    expect((await sessions.list('ada')).map(({ id }) => id)).toEqual([newer.session.id, older.session.id])
    expect(newer.session.userAgent).toMatch(/^browser\?x{247}$/)
    clock.advance(1000)
    await sessions.refresh(older.refreshToken, { ...phone, address: '192.0.2.9' })
    const [first] = await sessions.list('ada')
    expect(first).toMatchObject({ id: older.session.id, subject: 'ada', address: '192.0.2.9', graceUses: 0 })
    expect(first?.lastUsedAt).toBe(clock.now())
    expect(await sessions.list('nobody')).toEqual([])
  })

  it('has the claims that the application returns at each refresh', async () => {
    let plan = 'free'
    const { sessions, latchkey } = openSessions({ claims: async (subject) => ({ plan, of: subject }) })
    const first = await sessions.start('ada')
    plan = 'pro'
    const second = await sessions.refresh(first.refreshToken)
    expect((await latchkey.verify(first.accessToken)).claims).toMatchObject({ plan: 'free', of: 'ada' })
    expect((await latchkey.verify(second.accessToken)).claims).toMatchObject({ plan: 'pro', of: 'ada' })
  })

  it('has an authenticated ID where the verifier wants one', async () => {
    const ids = sessionIds(randomBytes(32))
    const { sessions, verify } = openSessions({}, { latchkey: { sessionIds: ids } })
    const { session, accessToken, refreshToken } = await sessions.start('ada')
    expect(ids.read(session.id, 'ada')).toMatchObject({ level: 'aal1' })
    expect(await verify(accessToken)).toBe(session.id)
    expect(await refused(sessions.refresh(refreshToken))).toBeUndefined()
  })

  it('ends when it is not used, and at its latest end, and no access token outlives it', async () => {
    const { sessions, clock, verify } = openSessions({ idleTtl: 3600, sessionTtl: 9000 })
    const idle = await sessions.start('ada')
    expect(idle.refreshTokenExpiresIn).toBe(3600)
    let used = await sessions.start('ada')
    for (const _ of [1, 2]) {
      clock.advance(3_599_000)
      used = await sessions.refresh(used.refreshToken)
    }
    expect(await refused(sessions.refresh(idle.refreshToken))).toBe('refresh_token_expired')
    clock.advance(9_000_000 - 2 * 3_599_000 - 60_000)
    used = await sessions.refresh(used.refreshToken)
    expect([used.refreshTokenExpiresIn, used.accessTokenExpiresIn]).toEqual([60, 60])
    clock.advance(60_000)
    expect(await refused(sessions.refresh(used.refreshToken))).toBe('refresh_token_expired')
    expect(await sessions.list('ada')).toEqual([])
    clock.advance(6000)
    expect(await verify(used.accessToken)).toBe('token_expired')
  })

  it('takes the place of the least recently used one above the limit', async () => {
    const { sessions, clock, verify } = openSessions({ maxSessions: 2 })
    const [first, second] = [await sessions.start('ada'), await sessions.start('ada')]
    await sessions.start('bob')
    clock.advance(1000)
    const again = await sessions.refresh(first.refreshToken)
    const third = await sessions.start('ada')
    expect(await verify(second.accessToken)).toBe('session_ended')
    expect(await refused(sessions.refresh(second.refreshToken))).toBe('session_ended')
    for (const { accessToken, session } of [again, third]) expect(await verify(accessToken)).toBe(session.id)
    expect(await sessions.list('bob')).toHaveLength(1)
  })

  it('never exceeds the limit, however many sign in at once', async () => {
    const { sessions } = openSessions({ maxSessions: 3 })
    await Promise.all(Array.from({ length: 12 }, () => sessions.start('ada')))
    expect(await sessions.list('ada')).toHaveLength(3)
  })
})

describe('a refresh token', () => {
  it('that was replaced is accepted until its successor is used: a lost answer ends no session', async () => {
    const { sessions, clock } = openSessions()
    const { refreshToken, session } = await sessions.start('ada', phone)
    for (const _ of [1, 2, 3, 4, 5]) {
      clock.advance(day)
      await sessions.refresh(refreshToken, phone)
    }
    const last = await sessions.refresh(refreshToken, phone)
    const next = await sessions.refresh(last.refreshToken, phone)
    expect(next.session).toMatchObject({ id: session.id, graceUses: 5 })
    expect(await refused(sessions.refresh(refreshToken, phone))).toBe('refresh_token_reused')
  })

  it('has the same successor for all tabs that use it at once', async () => {
    const { sessions, verify } = openSessions()
    const { refreshToken, session } = await sessions.start('ada', phone)
    const answers = await Promise.all(Array.from({ length: 20 }, () => sessions.refresh(refreshToken, phone)))
    expect(new Set(answers.map((answer) => answer.refreshToken)).size).toBe(1)
    for (const { accessToken } of answers) expect(await verify(accessToken)).toBe(session.id)
    const next = await sessions.refresh(answers[0]?.refreshToken ?? '', phone)
    expect(next.session.graceUses).toBe(19)
  })

  it('that is used after its successor ends its session with every token, no other session, and is reported', async () => {
    const { sessions, verify } = openSessions()
    const messages = recordChannel<SessionMessage>('latchkey:session')
    const other = await sessions.start('ada', phone)
    const first = await sessions.start('ada', phone)
    const second = await sessions.refresh(first.refreshToken, phone)
    const third = await sessions.refresh(second.refreshToken, phone)
    expect(await refused(sessions.refresh(first.refreshToken, phone))).toBe('refresh_token_reused')
    for (const { accessToken, refreshToken } of [first, second, third]) {
      expect(await verify(accessToken)).toBe('session_ended')
      expect(await refused(sessions.refresh(refreshToken, phone))).toBe('session_ended')
    }
    expect(await verify(other.accessToken)).toBe(other.session.id)
    expect(await sessions.list('ada')).toHaveLength(1)
    expect(messages.map(({ event, subject }) => `${event} ${subject}`)).toEqual([
      'started ada',
      'started ada',
      'refreshed ada',
      'refreshed ada',
      'reused ada',
    ])
  })

  it.each([
    ['from another device', { ...phone, device: 'd1' }, { ...phone, device: 'd2' }],
    ['without the device', { ...phone, device: 'd1' }, phone],
  ])('ends its session %s, also while it is current', async (_, own, others) => {
    const { sessions, verify } = openSessions()
    const messages = recordChannel<SessionMessage>('latchkey:session')
    const { refreshToken, accessToken } = await sessions.start('ada', own)
    expect(await refused(sessions.refresh(refreshToken, others))).toBe('refresh_token_reused')
    expect(await verify(accessToken)).toBe('session_ended')
    expect(messages.at(-1)).toMatchObject({ event: 'elsewhere', subject: 'ada', isCommitted: true })
  })

  it('that was replaced ends its session when another program uses it', async () => {
    const { sessions } = openSessions()
    const { refreshToken } = await sessions.start('ada', phone)
    await sessions.refresh(refreshToken, phone)
    expect(await refused(sessions.refresh(refreshToken, { ...phone, userAgent: 'curl/8' }))).toBe(
      'refresh_token_reused',
    )
  })

  it('binds its session to the first device that it comes from', async () => {
    const { sessions } = openSessions()
    const first = await sessions.start('ada', phone)
    const second = await sessions.refresh(first.refreshToken, { ...phone, device: 'd1' })
    expect(await refused(sessions.refresh(second.refreshToken, phone))).toBe('refresh_token_reused')
  })

  it('finds its session without being used', async () => {
    const { sessions, clock } = openSessions({ idleTtl: 3600 })
    const { refreshToken, session } = await sessions.start('ada', phone)
    expect(await sessions.find(refreshToken)).toEqual(session)
    const next = await sessions.refresh(refreshToken, phone)
    expect(await sessions.find(refreshToken)).toEqual(next.session)
    expect(await sessions.end('ada', session.id)).toBe(true)
    expect(await outcomeOf(() => sessions.find(next.refreshToken))).toBe('session_ended')
    const late = await sessions.start('ada')
    clock.advance(3_600_000)
    expect(await outcomeOf(() => sessions.find(late.refreshToken))).toBe('refresh_token_expired')
  })

  it('is refused when anything of it was changed, and ends no session by that', async () => {
    const { sessions } = openSessions()
    const { refreshToken, session } = await sessions.start('ada', phone)
    await sessions.refresh(refreshToken, phone)
    await fc.assert(
      fc.asyncProperty(fc.nat(51), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
        const bytes = Buffer.from(refreshToken, 'base64url')
        bytes[at] = bytes.readUInt8(at) ^ mask
        expect(await refused(sessions.refresh(bytes.toString('base64url'), phone))).toBe('refresh_token_invalid')
      }),
      { numRuns: 200 },
    )
    expect((await sessions.list('ada')).map(({ id }) => id)).toEqual([session.id])
  })

  it('is refused when it is no refresh token of this store, whatever its type and length', async () => {
    const { sessions } = openSessions()
    const { accessToken } = await sessions.start('ada')
    const elsewhere = await openSessions().sessions.start('ada')
    const others = ['', 'x', accessToken, elsewhere.refreshToken, 'A'.repeat(1_000_000), `${elsewhere.refreshToken}\n`]
    for (const text of [...others, undefined, null, 7, {}, ['x']]) {
      expect(await refused(sessions.refresh(text as string))).toBe('refresh_token_invalid')
      expect(await outcomeOf(() => sessions.find(text as string))).toBe('refresh_token_invalid')
    }
  })

  it('works again after a crash between the rotation and the answer', async () => {
    const store = memoryStore()
    const { sessions, keys, latchkey, clock } = openSessions({}, { store })
    const { refreshToken } = await sessions.start('ada', phone)
    const advanceSession: MemoryStore['advanceSession'] = async (before, after) => {
      await store.advanceSession(before, after)
      throw new Error('The process has crashed.')
    }
    const methodOf = (name: keyof MemoryStore) => (name === 'advanceSession' ? advanceSession : store[name].bind(store))
    const crashing = new Proxy(store, { get: (_, name) => methodOf(name as keyof MemoryStore) })
    const crashed = createSessions<MemoryTransaction>({ keys, latchkey, clock, store: crashing })
    await expect(crashed.refresh(refreshToken, phone)).rejects.toThrow('crashed')
    clock.advance(day)
    const next = await sessions.refresh(refreshToken, phone)
    expect(await refused(sessions.refresh(next.refreshToken, phone))).toBeUndefined()
  })

  it.each(['device', 'userAgent', 'address'] as const)('is not used with a %s that is no text', async (name) => {
    const { sessions } = openSessions()
    const { refreshToken } = await sessions.start('ada')
    const origin = { [name]: ['a', 'b'] } as object
    await expect(sessions.refresh(refreshToken, origin)).rejects.toThrow(TypeError)
    await expect(sessions.start('ada', origin)).rejects.toThrow(TypeError)
    expect(await refused(sessions.refresh(refreshToken))).toBeUndefined()
  })
})

describe('the end of a session', () => {
  it('ends its tokens, and no other session', async () => {
    const { sessions, verify } = openSessions()
    const [one, other] = [await sessions.start('ada'), await sessions.start('ada')]
    expect(await sessions.end('ada', one.session.id)).toBe(true)
    expect(await verify(one.accessToken)).toBe('session_ended')
    expect(await refused(sessions.refresh(one.refreshToken))).toBe('session_ended')
    expect(await verify(other.accessToken)).toBe(other.session.id)
    expect(await sessions.end('ada', one.session.id)).toBe(false)
  })

  it('is refused for a session of another subject, and for text that is no session', async () => {
    const { sessions, verify } = openSessions()
    const { session, accessToken } = await sessions.start('ada')
    await sessions.start('eve')
    for (const subject of ['eve', 'nobody']) expect(await sessions.end(subject, session.id)).toBe(false)
    const others = ['', 'x\0', '../..', 'A'.repeat(10_000), session.id.toUpperCase(), undefined, {}, 7]
    for (const id of others) expect(await sessions.end('ada', id as string)).toBe(false)
    expect(await verify(accessToken)).toBe(session.id)
  })

  it('can spare one session', async () => {
    const { sessions, verify } = openSessions()
    const [kept, other] = [await sessions.start('ada'), await sessions.start('ada')]
    await sessions.endAll('ada', { except: kept.session.id })
    expect(await verify(other.accessToken)).toBe('session_ended')
    expect(await refused(sessions.refresh(other.refreshToken))).toBe('session_ended')
    expect(await verify(kept.accessToken)).toBe(kept.session.id)
    expect(await refused(sessions.refresh(kept.refreshToken))).toBeUndefined()
    await sessions.endAll('ada', { everywhere: true })
    expect(await verify(kept.accessToken)).toBe('token_revoked')
    expect(await refused(sessions.refresh(kept.refreshToken))).toBe('session_ended')
    expect(await sessions.list('ada')).toEqual([])
    for (const except of [undefined, kept.session.id]) {
      expect(await outcomeOf(() => sessions.endAll('nobody', { except }))).toBe('tenant_unknown')
    }
  })

  it('is complete for a subject with more sessions than a tenant remembers', async () => {
    const { sessions, verify } = openSessions({ maxSessions: 200 })
    const kept = await sessions.start('ada')
    const others = await Promise.all(Array.from({ length: 120 }, () => sessions.start('ada')))
    await sessions.endAll('ada', { except: kept.session.id })
    for (const { accessToken, refreshToken } of others) {
      expect(['session_ended', 'reissue_required']).toContain(await verify(accessToken))
      expect(await refused(sessions.refresh(refreshToken))).toBe('session_ended')
    }
    const next = await sessions.refresh(kept.refreshToken)
    expect(await verify(next.accessToken)).toBe(kept.session.id)
  })

  it.each(['revoke', 'disable', 'forget'] as const)('follows from keys.%s', async (action) => {
    const { sessions, keys } = openSessions()
    const { refreshToken } = await sessions.start('ada')
    const bob = await sessions.start('bob')
    await keys[action]('ada')
    const code = action === 'forget' ? 'refresh_token_invalid' : 'session_ended'
    expect(await refused(sessions.refresh(refreshToken))).toBe(code)
    expect(await sessions.list('ada')).toEqual([])
    if (action === 'disable') {
      expect(await refused(sessions.start('ada'))).toBe('tenant_disabled')
      await keys.enable('ada')
      expect(await refused(sessions.refresh(refreshToken))).toBe('session_ended')
    }
    expect(await refused(sessions.start('ada'))).toBeUndefined()
    expect(await refused(sessions.refresh(bob.refreshToken))).toBeUndefined()
  })

  it('does not follow from rotate, requireReissue and setGrants, however long ago', async () => {
    const { sessions, keys, clock, verify } = openSessions()
    let { refreshToken, accessToken, session } = await sessions.start('ada')
    for (const change of [
      () => keys.rotate('ada'),
      () => keys.requireReissue('ada'),
      () => keys.setGrants('ada', { roles: ['editor'] }),
    ]) {
      await change()
      clock.advance(5 * day)
      await keys.prune()
      ;({ refreshToken, accessToken } = await sessions.refresh(refreshToken))
      expect(await verify(accessToken)).toBe(session.id)
    }
  })

  it('follows from the replacement of all keys', async () => {
    const { sessions, keys, verify } = openSessions()
    const { refreshToken, accessToken, session } = await sessions.start('ada')
    await keys.replaceKeys()
    expect(await refused(sessions.refresh(refreshToken))).toBe('session_ended')
    expect(await verify(accessToken)).not.toBe(session.id)
    const anew = await sessions.start('ada')
    expect(await refused(sessions.refresh(anew.refreshToken))).toBeUndefined()
  })

  it('is kept for a day, and then deleted', async () => {
    const { sessions, clock } = openSessions()
    const ended = await sessions.start('ada')
    const live = await sessions.start('ada')
    await sessions.end('ada', ended.session.id)
    clock.advance(day)
    expect(await sessions.prune()).toBe(0)
    expect(await refused(sessions.refresh(ended.refreshToken))).toBe('session_ended')
    clock.advance(1)
    expect(await sessions.prune()).toBe(1)
    expect(await refused(sessions.refresh(ended.refreshToken))).toBe('refresh_token_invalid')
    expect(await refused(sessions.refresh(live.refreshToken))).toBeUndefined()
  })
})

describe('a call that was held back while the right ended', () => {
  /** Runs `interrupt` between the signature and the write of the next call. */
  function held(interrupt: (open: ReturnType<typeof openSessions>) => Promise<unknown>) {
    const open = openSessions()
    const latchkey = Object.assign(Object.create(open.latchkey), {
      accessTokenTtl: 900,
      issue: async (request: Parameters<typeof open.latchkey.issue>[0]) => {
        const issued = await open.latchkey.issue(request)
        await interrupt(open)
        return issued
      },
    })
    const { keys, store, clock } = open
    return { ...open, late: createSessions<MemoryTransaction>({ keys, store, clock, latchkey }) }
  }

  it.each([
    ['revoked', ({ keys }: ReturnType<typeof openSessions>) => keys.revoke('ada')],
    ['disabled', ({ keys }: ReturnType<typeof openSessions>) => keys.disable('ada')],
    ['deleted', ({ keys }: ReturnType<typeof openSessions>) => keys.forget('ada')],
    ['signed out', ({ sessions }: ReturnType<typeof openSessions>) => sessions.endAll('ada', { except: 'none' })],
  ])('returns no tokens of a subject that was %s', async (_, interrupt) => {
    const { sessions, late } = held(interrupt)
    const { refreshToken } = await sessions.start('ada')
    expect(['session_ended', 'refresh_token_invalid']).toContain(await refused(late.refresh(refreshToken)))
  })

  it('starts no session of a subject that was revoked', async () => {
    const { keys, late, sessions } = held(({ keys }) => keys.revoke('ada'))
    await keys.provision('ada')
    expect(await refused(late.start('ada'))).toBe('session_ended')
    expect(await sessions.list('ada')).toEqual([])
  })
})

describe('a transaction of the caller', () => {
  it('stores and ends sessions with its commit', async () => {
    const { sessions, keys, store, verify } = openSessions()
    const messages = recordChannel<SessionMessage>('latchkey:session')
    await keys.provision('ada')
    const kept = await sessions.start('ada')
    const failing = store.transaction(async (client) => {
      await sessions.start('ada', { client })
      await sessions.end('ada', kept.session.id, { client })
      await sessions.endAll('ada', { except: 'none', client })
      throw new Error('Rolled back by the test.')
    })
    await expect(failing).rejects.toThrow('Rolled back')
    expect((await sessions.list('ada')).map(({ id }) => id)).toEqual([kept.session.id])
    expect(await verify(kept.accessToken)).toBe(kept.session.id)
    const started = await store.transaction(async (client) => {
      await sessions.endAll('ada', { except: kept.session.id, client })
      expect(await sessions.end('ada', kept.session.id, { client })).toBe(true)
      return sessions.start('ada', { client })
    })
    expect(await verify(started.accessToken)).toBe(started.session.id)
    expect(await verify(kept.accessToken)).toBe('session_ended')
    expect(await refused(sessions.refresh(started.refreshToken))).toBeUndefined()
    expect(messages.filter(({ isCommitted }) => !isCommitted).map(({ event }) => event)).toEqual([
      'started',
      'ended',
      'ended',
      'ended',
      'ended',
      'started',
    ])
  })

  it('is refused for a subject without a secret, and after a revocation in it', async () => {
    const { sessions, keys, store } = openSessions()
    const start = (client: MemoryTransaction) => sessions.start('ada', { client })
    expect(await outcomeOf(() => store.transaction(start))).toBe('tenant_unknown')
    await keys.provision('ada')
    const work = async (client: MemoryTransaction) => {
      await keys.revoke('ada', { client })
      return start(client)
    }
    expect(await outcomeOf(() => store.transaction(work))).toBe('session_ended')
  })

  it('cannot wait for other processes', async () => {
    const { sessions, store } = openSessions()
    const { session } = await sessions.start('ada')
    await store.transaction(async (client) => {
      for (const call of [
        () => sessions.end('ada', session.id, { client, everywhere: true }),
        () => sessions.endAll('ada', { client, everywhere: true }),
        () => sessions.endAll('ada', { client, everywhere: true, except: 'none' }),
      ]) {
        await expect(call()).rejects.toThrow(TypeError)
      }
    })
  })
})

describe('createSessions', () => {
  const { latchkey, keys, store } = openSessions()
  const valid = { latchkey, keys, store }

  it.each([
    { latchkey: undefined },
    { keys: undefined },
    { store: undefined },
    { store: {} },
    { sessionTtl: 59 },
    { sessionTtl: Number.POSITIVE_INFINITY },
    { sessionTtl: 600, idleTtl: 601 },
    { idleTtl: Number.NaN },
    { idleTtl: '600' },
    { maxSessions: 0 },
    { maxSessions: 1001 },
    { maxSessions: 1.5 },
  ])('refuses %j', (wrong) => {
    expect(() => createSessions({ ...valid, ...wrong } as SessionsOptions<MemoryTransaction>)).toThrow(TypeError)
  })

  it('refuses subjects that no store can hold', async () => {
    const { sessions } = openSessions()
    for (const subject of ['', 'a\0', 'x'.repeat(256), undefined, 7]) {
      for (const call of [
        () => sessions.start(subject as string),
        () => sessions.list(subject as string),
        () => sessions.end(subject as string, 'x'),
        () => sessions.endAll(subject as string),
        () => sessions.endAll(subject as string, { except: 'x' }),
      ]) {
        expect(await outcomeOf(call)).toBe('tenant_invalid')
      }
    }
  })

  it('refuses session IDs that a refresh token cannot name', async () => {
    const named = { mint: () => 'phone', read: () => ({ mintedAtMs: 0, level: 'aal1' as const }) }
    const { sessions } = openSessions({}, { latchkey: { sessionIds: named } })
    await expect(sessions.start('ada')).rejects.toThrow(TypeError)
  })
})

describe('a step-up', () => {
  const openStrong = (options: Partial<SessionsOptions<MemoryTransaction>> = {}) =>
    openSessions(options, { latchkey: { sessionIds: sessionIds(randomBytes(32)) } })

  it('renews the session under another ID that states the new time and level, and ends every earlier token', async () => {
    const { sessions, latchkey, clock, verify } = openStrong()
    const first = await sessions.start('ada', phone)
    clock.advance(3_600_000)
    const later = await sessions.refresh(first.refreshToken, phone)
    const renewed = await sessions.stepUp('ada', first.session.id, { level: 'aal2' })
    const { id, createdAt, expiresAt, userAgent } = first.session
    expect(renewed.session).toMatchObject({ createdAt, expiresAt, userAgent })
    expect(renewed.session.id).not.toBe(id)
    const auth = await latchkey.verify(renewed.accessToken)
    expect(auth.authentication).toEqual({ at: clock.now() / 1000, acr: 'aal2' })
    expect(await verify(later.accessToken)).toBe('session_ended')
    expect(await refused(sessions.refresh(later.refreshToken, phone))).toBe('session_ended')
    expect((await sessions.list('ada')).map((session) => session.id)).toEqual([renewed.session.id])
    clock.advance(60_000)
    const refreshed = await sessions.refresh(renewed.refreshToken, phone)
    expect((await latchkey.verify(refreshed.accessToken)).authentication).toEqual(auth.authentication)
  })

  it('is no sign-in: it needs a live session of the same subject', async () => {
    const { sessions, keys } = openStrong({ idleTtl: 3600, sessionTtl: 9000 })
    const ada = await sessions.start('ada')
    const outcome = (subject: string, id: string) => refused(sessions.stepUp(subject, id, { level: 'aal2' }))
    expect(await outcome('bob', ada.session.id)).toBe('session_ended')
    expect(await outcome('ada', 'phone')).toBe('session_ended')
    await sessions.end('ada', ada.session.id)
    expect(await outcome('ada', ada.session.id)).toBe('session_ended')
    const again = await sessions.start('ada')
    await keys.revoke('ada')
    expect(await outcome('ada', again.session.id)).toBe('session_ended')
    expect(await sessions.list('ada')).toEqual([])
  })

  it('succeeds once if several are sent at the same time', async () => {
    const { sessions, verify } = openStrong()
    const { session } = await sessions.start('ada')
    const calls = [1, 2, 3].map(() => outcomeOf(() => sessions.stepUp('ada', session.id)))
    const outcomes = await Promise.all(calls)
    const renewed = outcomes.filter((outcome): outcome is SessionTokens => typeof outcome === 'object')
    expect(renewed).toHaveLength(1)
    expect(await verify(renewed[0]?.accessToken ?? '')).toBe(renewed[0]?.session.id)
    expect(await sessions.list('ada')).toHaveLength(1)
  })

  it('does not bring back a session that is revoked while its token is signed', async () => {
    const store = memoryStore()
    let revoke = async () => {}
    const claims = async () => {
      await revoke()
      return {}
    }
    const { sessions, keys } = openSessions(
      { claims },
      { store, latchkey: { sessionIds: sessionIds(randomBytes(32)) } },
    )
    const { session } = await sessions.start('ada')
    revoke = () => keys.revoke('ada')
    expect(await refused(sessions.stepUp('ada', session.id, { level: 'aal2' }))).toBe('session_ended')
    expect(await sessions.list('ada')).toEqual([])
  })

  it('needs session IDs that can state it', async () => {
    const { sessions } = openSessions()
    const { session } = await sessions.start('ada')
    await expect(sessions.stepUp('ada', session.id)).rejects.toThrow(TypeError)
    await expect(sessions.start('ada', { level: 'aal2' })).rejects.toThrow(TypeError)
    expect(await sessions.list('ada')).toHaveLength(1)
  })
})
