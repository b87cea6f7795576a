import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startHousekeeping } from '../src/ops/housekeeping.js'
import { password, register } from './support/people.js'
import { databases, startServer, type TestServer } from './support/start-server.js'

const maxStalenessMs = 500

describe.each(databases)('a server on %s', (database) => {
  let running: TestServer

  beforeEach(async () => {
    running = await startServer({ database, configuration: { maxStalenessMs } })
  })
  afterEach(() => running.stop())

  it('is alive and ready', async () => {
    expect((await running.api.get('/livez')).body).toEqual({ status: 'ok' })
    expect((await running.api.get('/readyz')).body).toEqual({ status: 'ok' })
  })

  it('that has lost its database is alive, not ready, and says 503 instead of accepting or refusing anybody', async () => {
    const person = await register(running)
    await running.loseDatabase()
    await sleep(maxStalenessMs + 100)
    expect((await running.api.get('/livez')).status).toBe(200)
    const unready = await running.api.get('/readyz')
    expect([unready.status, unready.body.code]).toEqual([503, 'not_ready'])
    expect(unready.body.reasons).toEqual(['database_unavailable', 'change_feed_stale'])
    const { email, token, refreshToken } = person
    const answers = [
      await running.api.get('/v1/me', { token }),
      await running.api.post('/v1/login', { body: { email, password } }),
      await running.api.post('/v1/register', { body: { email: 'new@example.com', password } }),
      await running.api.post('/v1/refresh', { body: { refresh_token: refreshToken } }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([503, 503, 503, 503])
  })
})

describe('housekeeping', () => {
  it('does every chore again and again, one that fails too, until it is stopped', async () => {
    const done: string[] = []
    const warnings: object[] = []
    const chores = [
      { name: 'fails', run: async () => Promise.reject(new Error('no')) },
      { name: 'works', run: async () => void done.push('works') },
    ]
    const stop = startHousekeeping(chores, 10, { warn: (details) => warnings.push(details) })
    await expect.poll(() => Math.min(done.length, warnings.length)).toBeGreaterThan(2)
    stop()
    const { length } = done
    await sleep(50)
    expect(done).toHaveLength(length)
    expect(warnings[0]).toMatchObject({ chore: 'fails' })
  })
})
