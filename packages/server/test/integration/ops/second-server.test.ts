import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAdmin, login, password, register, tokenState } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

const maxStalenessMs = 500

describe.each(databases)('two servers on one database (%s)', (database) => {
  let first: TestServer
  let second: TestServer

  beforeAll(async () => {
    first = await startServer({ database, configuration: { maxStalenessMs } })
    second = await first.startAnother()
  })
  afterAll(async () => {
    await second.stop()
    await first.stop()
  })

  it('accept the same accounts, tokens and refresh tokens', async () => {
    const person = await register(first)
    expect(await tokenState(second, person.token)).toBe(200)
    expect((await login(second, person.email)).id).toBe(person.id)
    const { status, body } = await second.api.post('/v1/refresh', { body: { refresh_token: person.refreshToken } })
    expect(status).toBe(200)
    expect(await tokenState(first, body.access_token)).toBe(200)
  })

  it('refuse tokens that the other one revoked, within the promised bound', async () => {
    const person = await register(first)
    const admin = await createAdmin(first)
    expect(await tokenState(second, person.token)).toBe(200)
    await first.api.post(`/v1/admin/users/${person.id}/revoke`, { token: admin.token })
    expect(await tokenState(first, person.token)).toBe('token_revoked')
    await sleep(maxStalenessMs)
    expect(await tokenState(second, person.token)).toBe('token_revoked')
  })

  it('apply changes that the other one made to a session, a role or a password', async () => {
    const admin = await createAdmin(first)
    const [ended, promoted, changed] = [await register(first), await register(first), await register(first)]
    for (const { token } of [ended, promoted, changed]) expect(await tokenState(second, token)).toBe(200)
    await first.api.post('/v1/logout', { token: ended.token })
    await first.api.patch(`/v1/admin/users/${promoted.id}`, { token: admin.token, body: { role: 'admin' } })
    await first.api.post('/v1/me/password', {
      token: changed.token,
      body: { current_password: password, new_password: 'a different password' },
    })
    await sleep(maxStalenessMs)
    expect(await tokenState(second, ended.token)).toBe('session_ended')
    expect((await second.api.get('/v1/admin/users', { token: promoted.token })).status).toBe(200)
    expect(await tokenState(second, changed.token)).toBe('token_revoked')
  })

  it('rotate one refresh token to one successor, also at the same moment', async () => {
    const { refreshToken } = await register(first)
    const answers = await Promise.all(
      [first, second, first, second].map(({ api }) =>
        api.post('/v1/refresh', { body: { refresh_token: refreshToken } }),
      ),
    )
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect(new Set(answers.map(({ body }) => body.refresh_token)).size).toBe(1)
  })
})
