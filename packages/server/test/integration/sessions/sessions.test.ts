import { applyRefresh } from 'latchkey/sessions'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { continueSession, findSession } from '../../../src/sessions/session-table.js'
import { createAdmin, freshEmail, login, password, register, tokenState } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

const day = 86_400_000

describe.each(databases)('sessions on %s', (database) => {
  let running: TestServer

  beforeAll(async () => {
    running = await startServer({ database })
  })
  afterAll(() => running.stop())

  const refresh = async (refresh_token: string) => {
    const { status, body } = await running.api.post('/v1/refresh', { body: { refresh_token } })
    return { status, code: body.code, token: body.access_token, refreshToken: body.refresh_token }
  }

  describe('a refresh token', () => {
    it('returns working tokens of the same session, repeatedly', async () => {
      const person = await register(running)
      let { refreshToken } = person
      for (let round = 0; round < 3; round += 1) {
        const next = await refresh(refreshToken)
        expect(next.status).toBe(200)
        expect(next.refreshToken).not.toBe(refreshToken)
        expect(await tokenState(running, next.token)).toBe(200)
        refreshToken = next.refreshToken
      }
      const { body } = await running.api.get('/v1/me/sessions', { token: person.token })
      expect(body.sessions.map(({ id }) => id)).toEqual([person.sessionId])
    })

    it('does not end older access tokens', async () => {
      const person = await register(running)
      await refresh(person.refreshToken)
      expect(await tokenState(running, person.token)).toBe(200)
    })

    it('returns the same successor to parallel tabs', async () => {
      const { refreshToken } = await register(running)
      const answers = await Promise.all(Array.from({ length: 8 }, () => refresh(refreshToken)))
      expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200))
      expect(new Set(answers.map((answer) => answer.refreshToken)).size).toBe(1)
      for (const { token } of answers) expect(await tokenState(running, token)).toBe(200)
      expect((await refresh(answers[0]?.refreshToken ?? '')).status).toBe(200)
    })

    it('advances its session once, also when concurrent refreshes have read the same counter', async () => {
      const { sessionId } = await register(running)
      const { store } = running.server.service
      const seen = await findSession(store, sessionId)
      if (seen === undefined) throw new Error('It was just opened.')
      const origin = { address: '127.0.0.1', userAgent: null }
      const state = { ...seen, isRepeated: false, network: origin.address }
      const shown = { ...state, nowMs: running.clock.now() }
      const step = { origin, nowMs: shown.nowMs, next: applyRefresh(state, 'rotate', shown) }
      const moved = await Promise.all(Array.from({ length: 4 }, () => continueSession(store, seen, step)))
      expect(moved.toSorted()).toEqual([false, false, false, true])
      expect((await findSession(store, sessionId))?.counter).toBe(2)
    })

    it('returns the same successor to a client that lost the answer, until the successor is used', async () => {
      const { refreshToken, token } = await register(running)
      const first = await refresh(refreshToken)
      running.clock.advance(10 * 60_000)
      const again = await refresh(refreshToken)
      expect([again.status, again.refreshToken]).toEqual([200, first.refreshToken])
      expect((await refresh(first.refreshToken)).status).toBe(200)
      expect(await tokenState(running, token)).toBe(200)
    })

    it('ends the session when it is used again after its successor, which is in the audit log', async () => {
      const admin = await createAdmin(running)
      const person = await register(running)
      const next = await refresh(person.refreshToken)
      const last = await refresh(next.refreshToken)
      const reused = await refresh(person.refreshToken)
      expect([reused.status, reused.code]).toEqual([401, 'refresh_token_reused'])
      expect(await tokenState(running, last.token)).toBe('session_ended')
      expect((await refresh(last.refreshToken)).code).toBe('session_ended')
      const { body } = await running.api.get(`/v1/admin/audit?account=${person.id}`, { token: admin.token })
      expect(body.entries[0]).toMatchObject({
        event: 'refresh_reuse',
        outcome: 'refused',
        session: person.sessionId,
        detail: { reason: 'reused' },
      })
    })

    it('has its use after its replacement reported to the owner, to administrators and in the audit log', async () => {
      const admin = await createAdmin(running)
      const person = await register(running)
      const { token } = await refresh(person.refreshToken)
      await refresh(person.refreshToken)
      const shown = {
        id: person.sessionId,
        device_bound: false,
        grace_uses: 1,
        grace_used_at: expect.any(String),
        grace_address: '127.0.0.1',
      }
      const lists = [
        await running.api.get('/v1/me/sessions', { token }),
        await running.api.get(`/v1/admin/users/${person.id}/sessions`, { token: admin.token }),
      ]
      for (const { body } of lists) expect(body.sessions).toMatchObject([shown])
      const path = `/v1/admin/audit?account=${person.id}&event=refresh_grace`
      const { body } = await running.api.get(path, { token: admin.token })
      expect(body.entries).toMatchObject([
        { session: person.sessionId, outcome: 'done', detail: { client: 'unbound', successor: 'same' } },
      ])
    })

    it('is refused without the device token of the last refresh, and ends the session', async () => {
      for (const headers of [{}, { 'latchkey-device': 'x'.repeat(43) }]) {
        const signedIn = (await running.api.post('/v1/register', { body: { email: freshEmail(), password } })).body
        const own = { 'latchkey-device': signedIn.device_token }
        const body = { refresh_token: signedIn.refresh_token }
        const next = (await running.api.post('/v1/refresh', { body, headers: own })).body
        const stolen = await running.api.post('/v1/refresh', { body: { refresh_token: next.refresh_token }, headers })
        expect([stolen.status, stolen.body.code]).toEqual([401, 'refresh_token_reused'])
        expect(await tokenState(running, next.access_token)).toBe('session_ended')
      }
    })

    it('is accepted after its replacement from the device that refreshed, however many tabs refresh at once', async () => {
      const signedIn = (await running.api.post('/v1/register', { body: { email: freshEmail(), password } })).body
      const headers = { 'latchkey-device': signedIn.device_token }
      let { refresh_token } = signedIn
      for (let round = 0; round < 6; round += 1) {
        const body = { refresh_token }
        const answers = await Promise.all(
          Array.from({ length: 3 }, () => running.api.post('/v1/refresh', { body, headers })),
        )
        expect(new Set(answers.map((answer) => answer.body.refresh_token)).size).toBe(1)
        refresh_token = answers[0]?.body.refresh_token ?? ''
      }
    })

    it('survives no sixth rotation beside the owner, where a thief cannot be distinguished', async () => {
      const { refreshToken } = await register(running)
      const held = { owner: refreshToken, thief: refreshToken }
      let refusal: string | undefined
      let rounds = 0
      for (; refusal === undefined && rounds < 10; rounds += 1) {
        for (const party of ['owner', 'thief'] as const) {
          const answer = await refresh(held[party])
          held[party] = answer.refreshToken ?? held[party]
          refusal ??= answer.code
        }
      }
      expect([refusal, rounds]).toEqual(['refresh_token_reused', 5])
      for (const token of Object.values(held)) expect((await refresh(token)).code).toBe('session_ended')
    })

    it('that names a session, but is not derived from it, is in the audit log', async () => {
      const admin = await createAdmin(running)
      const { id, sessionId, refreshToken } = await register(running)
      const forged = Buffer.from(refreshToken, 'base64url')
      forged.writeUInt8(forged.readUInt8(40) ^ 1, 40)
      expect((await refresh(forged.toString('base64url'))).code).toBe('refresh_token_invalid')
      const { body } = await running.api.get(`/v1/admin/audit?account=${id}&event=refresh`, { token: admin.token })
      expect(body.entries).toMatchObject([{ outcome: 'refused', session: sessionId, actor: null }])
    })

    it('cannot be refreshed when its counter is exhausted', async () => {
      const { refreshToken, sessionId } = await register(running)
      const { store } = running.server.service
      await store.query('update server_sessions set counter = $1, forks = $2 where id = $3', [
        0xffff_ffff,
        0xffff_ffff - 2,
        sessionId,
      ])
      expect((await refresh(refreshToken)).code).toBe('refresh_token_expired')
    })

    it('ends the session at once when it is two rotations behind', async () => {
      const { refreshToken } = await register(running)
      const second = await refresh(refreshToken)
      await refresh(second.refreshToken)
      expect((await refresh(refreshToken)).code).toBe('refresh_token_reused')
      expect((await refresh(second.refreshToken)).code).toBe('session_ended')
    })

    it('ends no other session of the account', async () => {
      const person = await register(running)
      const other = await login(running, person.email)
      const { refreshToken } = await refresh(person.refreshToken)
      await refresh(refreshToken)
      await refresh(person.refreshToken)
      expect(await tokenState(running, other.token)).toBe(200)
      expect((await refresh(other.refreshToken)).status).toBe(200)
    })

    it('is refused when any part of it is invented', async () => {
      const { refreshToken } = await register(running)
      const bytes = Buffer.from(refreshToken, 'base64url')
      for (const index of [0, 17, 19, 25, 51]) {
        const forged = Buffer.from(bytes)
        forged.writeUInt8(forged.readUInt8(index) ^ 1, index)
        expect((await refresh(forged.toString('base64url'))).code).toBe('refresh_token_invalid')
      }
      for (const text of ['x', `${refreshToken}=`, `${refreshToken}A`, ` ${refreshToken}`, 'ä'.repeat(70)]) {
        expect((await refresh(text)).code).toBe('refresh_token_invalid')
      }
      expect((await refresh(refreshToken)).status).toBe(200)
    })

    it('is not stored in any text of the database', async () => {
      const { refreshToken } = await register(running)
      const { rows } = await running.server.service.store.query('select * from server_sessions')
      const tag = Buffer.from(refreshToken, 'base64url').subarray(-32)
      expect(JSON.stringify(rows)).not.toContain(tag.toString('base64url').slice(0, 16))
      expect(JSON.stringify(rows)).not.toContain(refreshToken.slice(-20))
    })
  })

  describe('logging out', () => {
    it('ends this session at once and no other', async () => {
      const here = await register(running)
      const there = await login(running, here.email)
      expect((await running.api.post('/v1/logout', { token: here.token })).status).toBe(204)
      expect(await tokenState(running, here.token)).toBe('session_ended')
      expect((await refresh(here.refreshToken)).code).toBe('session_ended')
      expect(await tokenState(running, there.token)).toBe(200)
    })

    it('everywhere ends every session and every token, after which logins work', async () => {
      const here = await register(running)
      const there = await login(running, here.email)
      expect((await running.api.post('/v1/logout-all', { token: here.token })).status).toBe(204)
      for (const { token, refreshToken } of [here, there]) {
        expect(await tokenState(running, token)).toBe('token_revoked')
        expect((await refresh(refreshToken)).code).toBe('session_ended')
      }
      expect(await tokenState(running, (await login(running, here.email)).token)).toBe(200)
    })
  })

  describe('the list of devices', () => {
    it('shows the active sessions, newest first, and which one is current', async () => {
      const first = await register(running)
      const second = await login(running, first.email)
      const third = await login(running, first.email)
      await running.api.post('/v1/logout', { token: second.token })
      const { body } = await running.api.get('/v1/me/sessions', { token: first.token, headers: { 'user-agent': 'x' } })
      expect(body.sessions.map(({ id, current }) => [id, current])).toEqual([
        [third.sessionId, false],
        [first.sessionId, true],
      ])
    })

    it('has the name of the device, truncated to a bounded length', async () => {
      const { email } = await register(running)
      const { body } = await running.api.post('/v1/login', {
        body: { email, password: 'correct horse battery staple' },
        headers: { 'user-agent': 'y'.repeat(5000) },
      })
      const listed = await running.api.get('/v1/me/sessions', { token: body.access_token })
      expect(listed.body.sessions[0]?.user_agent).toBe('y'.repeat(255))
      expect(listed.body.sessions[0]?.device).toBeNull()
    })

    it('ends one device and leaves the others', async () => {
      const here = await register(running)
      const there = await login(running, here.email)
      const path = `/v1/me/sessions/${there.sessionId}`
      expect((await running.api.delete(path, { token: here.token })).status).toBe(204)
      expect(await tokenState(running, there.token)).toBe('session_ended')
      expect(await tokenState(running, here.token)).toBe(200)
      const again = await running.api.delete(path, { token: here.token })
      expect([again.status, again.body.code]).toEqual([404, 'session_unknown'])
    })

    it('does not allow a user to end the session of another account', async () => {
      const [person, other] = [await register(running), await register(running)]
      const answer = await running.api.delete(`/v1/me/sessions/${other.sessionId}`, { token: person.token })
      expect(answer.body.code).toBe('session_unknown')
      expect(await tokenState(running, other.token)).toBe(200)
    })
  })
})

describe.each(databases)('the time of sessions on %s', (database) => {
  let running: TestServer

  beforeEach(async () => {
    running = await startServer({
      database,
      configuration: { sessionTtlSec: 30 * 86_400, sessionIdleTtlSec: 14 * 86_400 },
    })
    return () => running.stop()
  })

  const refresh = async (refresh_token: string) =>
    (await running.api.post('/v1/refresh', { body: { refresh_token } })).body

  it('ends a session without a refresh during the idle time', async () => {
    const person = await register(running)
    running.clock.advance(14 * day)
    expect((await refresh(person.refreshToken)).code).toBe('refresh_token_expired')
    const other = await login(running, person.email)
    const { body } = await running.api.get('/v1/me/sessions', { token: other.token })
    expect(body.sessions.map(({ id }) => id)).toEqual([other.sessionId])
  })

  it('counts the idle time from the last use, also of a replaced token', async () => {
    const person = await register(running)
    await refresh(person.refreshToken)
    running.clock.advance(13 * day)
    const again = await refresh(person.refreshToken)
    running.clock.advance(13 * day)
    expect((await refresh(again.refresh_token)).code).toBeUndefined()
  })

  it('ends a session at the end of its lifetime, however often it was refreshed, and no access token outlives it', async () => {
    const person = await register(running)
    let { refreshToken } = person
    for (const days of [13, 13]) {
      running.clock.advance(days * day)
      refreshToken = (await refresh(refreshToken)).refresh_token
    }
    running.clock.advance(4 * day - 60_000)
    const last = await refresh(refreshToken)
    expect(last.expires_in).toBeLessThanOrEqual(60)
    running.clock.advance(61_000)
    expect((await refresh(last.refresh_token)).code).toBe('refresh_token_expired')
  })

  it('removes sessions that ended more than a day ago, and no active one', async () => {
    const person = await register(running)
    const ended = await login(running, person.email)
    await running.api.post('/v1/logout', { token: ended.token })
    const prune = () => running.server.service.sessions.prune()
    await prune()
    expect((await refresh(ended.refreshToken)).code).toBe('session_ended')
    running.clock.advance(2 * day)
    await prune()
    expect((await refresh(ended.refreshToken)).code).toBe('refresh_token_invalid')
    expect((await refresh(person.refreshToken)).code).toBeUndefined()
  })
})
