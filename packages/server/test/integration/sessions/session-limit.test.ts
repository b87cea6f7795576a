import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAdmin, login, type Person, register, tokenState } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

describe.each(databases)('an account that may have three sessions, on %s', (database) => {
  let running: TestServer

  beforeAll(async () => {
    running = await startServer({ database, configuration: { maxSessions: 3 } })
  })
  afterAll(() => running.stop())

  const refresh = async ({ refreshToken }: Person) =>
    (await running.api.post('/v1/refresh', { body: { refresh_token: refreshToken } })).body

  it('loses the least recently used one when a fourth begins', async () => {
    const first = await register(running)
    running.clock.advance(1000)
    const second = await login(running, first.email)
    running.clock.advance(1000)
    const third = await login(running, first.email)
    running.clock.advance(1000)
    // The first one is now the most recently used one.
    expect((await refresh(first)).code).toBeUndefined()
    const fourth = await login(running, first.email)
    expect(await tokenState(running, second.token)).toBe('session_ended')
    expect((await refresh(second)).code).toBe('session_ended')
    for (const alive of [first, third, fourth]) expect(await tokenState(running, alive.token)).toBe(200)
    const { body } = await running.api.get('/v1/me/sessions', { token: fourth.token })
    expect(body.sessions.map(({ id }) => id)).toEqual([fourth.sessionId, third.sessionId, first.sessionId])
  })

  it('finds the end of a session in the audit log', async () => {
    const person = await register(running)
    for (let more = 0; more < 3; more += 1) await login(running, person.email)
    const { token } = await createAdmin(running)
    const { body } = await running.api.get(`/v1/admin/audit?account=${person.id}&event=session_end`, { token })
    expect(body.entries).toMatchObject([{ session: person.sessionId, actor: null, outcome: 'done' }])
  })

  it('has no more than three after four logins at once', async () => {
    const { email, token } = await register(running)
    const people = await Promise.all(Array.from({ length: 4 }, () => login(running, email)))
    const tokens = [token, ...people.map((person) => person.token)]
    const states = await Promise.all(tokens.map((held) => tokenState(running, held)))
    expect(states.filter((state) => state === 200)).toHaveLength(3)
  })

  it('ends no session of another account', async () => {
    const [one, other] = [await register(running), await register(running)]
    for (let more = 0; more < 4; more += 1) await login(running, one.email)
    expect(await tokenState(running, other.token)).toBe(200)
  })

  it('has the sessions above a lowered limit ended', async () => {
    const first = await register(running)
    const second = await login(running, first.email)
    const strict = await running.startAnother({ configuration: { maxSessions: 1 } })
    const third = await login(strict, first.email)
    expect(await tokenState(strict, first.token)).toBe('session_ended')
    expect(await tokenState(strict, second.token)).toBe('session_ended')
    expect(await tokenState(strict, third.token)).toBe(200)
    await strict.stop()
  })
})
