import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startJobs } from '../../../src/ops/jobs.js'
import { password, register } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

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

  it('without its database is alive, not ready, and answers 503 instead of accepting or refusing tokens', async () => {
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

describe('a server whose disk is full', () => {
  it('is ready, and warns', async () => {
    let free = 99_999_999
    const running = await startServer({ database: 'sqlite', parts: { freeBytes: async () => free } })
    expect((await running.api.get('/readyz')).body).toEqual({ status: 'ok', warnings: ['disk_full'] })
    free = 100_000_000
    expect((await running.api.get('/readyz')).body).toEqual({ status: 'ok' })
    await running.stop()
  })
})

describe('background jobs', () => {
  const startBrokenJob = () => {
    const seen = { done: 0, failed: 0, warnings: [] as object[], broken: true }
    const fails = async () => {
      if (!seen.broken) return
      seen.failed += 1
      throw new Error('no')
    }
    const works = async () => {
      seen.done += 1
    }
    const jobs = [
      { name: 'fails', run: fails },
      { name: 'works', run: works },
    ]
    return { seen, stop: startJobs(jobs, { intervalMs: 10 }, { warn: (details) => seen.warnings.push(details) }) }
  }

  it('run repeatedly, also after a failure, until they are stopped', async () => {
    const { seen, stop } = startBrokenJob()
    await expect.poll(() => Math.min(seen.done, seen.failed)).toBeGreaterThan(2)
    stop()
    const { done } = seen
    await sleep(50)
    expect(seen.done).toBe(done)
  })

  it('log a failing job once, and again when it fails after a success', async () => {
    const { seen, stop } = startBrokenJob()
    await expect.poll(() => seen.failed).toBeGreaterThan(2)
    expect(seen.warnings).toMatchObject([{ job: 'fails' }])
    for (const broken of [false, true]) {
      const { done } = seen
      seen.broken = broken
      await expect.poll(() => seen.done).toBeGreaterThan(done + 2)
    }
    stop()
    expect(seen.warnings).toHaveLength(2)
  })
})
