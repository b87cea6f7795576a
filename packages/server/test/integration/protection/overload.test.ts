import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { HeldHasher } from '../../support/held-hasher.js'
import { freshEmail, login, type Person, password, register, tokenState } from '../../support/people.js'
import { startServer, type TestServer } from '../../support/start-server.js'

describe('more logins than the server has time for', () => {
  let running: TestServer
  let hasher: HeldHasher
  let person: Person

  beforeEach(async () => {
    hasher = new HeldHasher()
    running = await startServer({
      database: 'sqlite',
      parts: { passwords: hasher, passwordQueue: { parallel: 2, maxWaiting: 3 } },
    })
    person = await register(running)
    hasher.isHeld = true
  })
  afterEach(async () => {
    hasher.release()
    await running.stop()
  })

  const attempt = () => running.api.post('/v1/login', { body: { email: person.email, password } })
  const fill = async (email: () => string = freshEmail) => {
    const answers = Array.from({ length: 5 }, () =>
      running.api.post('/v1/login', { body: { email: email(), password } }),
    )
    await expect.poll(() => running.server.service.passwords.waiting).toBe(3)
    return answers
  }

  it('get 503 at once with the time of the next attempt, instead of waiting', async () => {
    const waiting = await fill()
    for (const answer of await Promise.all([attempt(), attempt()])) {
      expect([answer.status, answer.body.code, answer.headers.get('retry-after')]).toEqual([503, 'overloaded', '2'])
    }
    expect(hasher.running).toBe(2)
    hasher.release()
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([401, 401, 401, 401, 401])
    expect((await attempt()).status).toBe(200)
  })

  it('do not delay verification, refreshes and logouts', async () => {
    const waiting = await fill()
    expect(await tokenState(running, person.token)).toBe(200)
    const refreshed = await running.api.post('/v1/refresh', { body: { refresh_token: person.refreshToken } })
    expect(refreshed.status).toBe(200)
    expect((await running.api.post('/v1/logout', { token: refreshed.body.access_token })).status).toBe(204)
    hasher.release()
    await Promise.all(waiting)
  })

  it('do not count as guesses at the account that could not sign in', async () => {
    const waiting = await fill()
    for (let n = 0; n < 30; n += 1) expect((await attempt()).status).toBe(503)
    hasher.release()
    await Promise.all(waiting)
    expect((await login(running, person.email)).id).toBe(person.id)
  })

  it('release their places in the queue, whatever their outcome', async () => {
    const waiting = await fill(() => 'no address')
    hasher.release()
    await Promise.all(waiting)
    hasher.isHeld = true
    await fill()
  })
})
