import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAdmin, type Person, register, tokenState } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

interface Rotation {
  readonly state: string
  readonly older_than: string
  readonly rotated: number
  readonly remaining: number
  readonly code?: string
}

describe.each(databases)('a rotation of all secrets on %s', (database) => {
  let running: TestServer
  let admin: Person

  beforeAll(async () => {
    running = await startServer({ database })
    admin = await createAdmin(running)
  })
  afterAll(() => running.stop())

  const post = async (path: string, body = {}, { api } = running) => {
    const { status, body: answer } = await api.post(`/v1/admin/rotations${path}`, { token: admin.token, body })
    return { status, ...(answer as unknown as Rotation) }
  }
  const last = async ({ api }: TestServer) => {
    const { body } = await api.get('/v1/admin/rotations', { token: admin.token })
    return (body as unknown as { rotations: Rotation[] }).rotations[0]
  }
  const until = async (state: string) => {
    for (;;) {
      const rotation = await last(running)
      if (rotation?.state === state) return rotation
      await sleep(20)
    }
  }

  it('covers every tenant, ends no session, and is in the audit log', async () => {
    expect(await last(running)).toBeUndefined()
    expect(await post('/pause')).toMatchObject({ status: 404, code: 'rotation_unknown' })
    const people = [await register(running), await register(running)]
    expect(await post('', { rate_per_minute: 600_000 })).toMatchObject({ status: 200, rotated: 0 })
    expect(await until('done')).toMatchObject({ rotated: 3, remaining: 0 })
    for (const { id, token } of people) {
      expect((await running.server.service.keys.describe(id))?.secrets).toHaveLength(2)
      expect(await tokenState(running, token)).toBe(200)
    }
    const { body } = await running.api.get('/v1/admin/audit?event=rotation_start', { token: admin.token })
    expect(body.entries.map(({ actor }) => actor)).toEqual([admin.id])
  })

  it('pauses, resumes and stops; refuses a second one meanwhile; and continues when started with the same date', async () => {
    for (let count = 0; count < 3; count += 1) await register(running)
    const first = await post('', { rate_per_minute: 60 })
    expect(await post('', {})).toMatchObject({ status: 409, code: 'rotation_running' })
    expect(await post('/pause')).toMatchObject({ status: 200, state: 'paused' })
    expect(await post('/resume')).toMatchObject({ status: 200, state: 'rotating' })
    const stopped = await post('/stop')
    expect(stopped).toMatchObject({ status: 200, state: 'stopped', older_than: first.older_than })
    expect(stopped.remaining).toBeGreaterThan(0)
    const again = await post('', { older_than: first.older_than, rate_per_minute: 600_000 })
    expect(again.status).toBe(200)
    expect((await until('done')).rotated).toBe(stopped.remaining)
    const audit = await running.api.get('/v1/admin/audit?limit=4', { token: admin.token })
    expect(audit.body.entries.map(({ event }) => event)).toEqual([
      'rotation_start',
      'rotation_stop',
      'rotation_resume',
      'rotation_pause',
    ])
  })

  it('can be controlled from any server, and is claimed by another server when its own stops', async () => {
    for (let count = 0; count < 3; count += 1) await register(running)
    const other = await running.startAnother()
    await post('', { rate_per_minute: 120 }, other)
    expect(await last(running)).toMatchObject({ state: 'rotating' })
    expect(await post('')).toMatchObject({ code: 'rotation_running' })
    expect(await post('/pause')).toMatchObject({ state: 'paused' })
    const countIn = async () => (await last(other))?.rotated ?? 0
    // Until the server that runs the rotation has read the change. It rotates two in a second.
    await expect
      .poll(async () => {
        const before = await countIn()
        await sleep(1000)
        return (await countIn()) - before
      })
      .toBe(0)
    expect(await last(running)).toMatchObject({ state: 'paused' })
    await post('/resume')
    await other.server.close()
    const done = await until('done')
    const allSecrets = await running.server.service.store.countDue(Date.now() + 1000)
    expect([done.rotated, done.remaining]).toEqual([allSecrets, 0])
  })

  it('pauses by itself after a canary, and refuses contradictory options', async () => {
    await register(running)
    await post('', { canary: 1, rate_per_minute: 600_000 })
    expect(await until('paused')).toMatchObject({ rotated: 1 })
    await post('/resume')
    await until('done')
    for (const body of [{ rate_per_minute: 0 }, { canary: -1 }, { older_than: 'yesterday' }, { unknown: true }]) {
      expect(await post('', body)).toMatchObject({ status: 400, code: 'validation_failed' })
    }
  })
})

describe.each(databases)('the information for administrators on %s', (database) => {
  let running: TestServer
  let admin: Person

  beforeAll(async () => {
    running = await startServer({ database })
    admin = await createAdmin(running)
  })
  afterAll(() => running.stop())

  it('has the numbers of accounts, sessions and secrets, and the age of the feed', async () => {
    const person = await register(running)
    await running.api.post(`/v1/admin/users/${person.id}/disable`, { token: admin.token })
    const { status, body } = await running.api.get('/v1/admin/stats', { token: admin.token })
    expect(status).toBe(200)
    expect(body).toMatchObject({
      accounts: { total: 2, admins: 1, disabled: 1 },
      living_sessions: 1,
      shared_cache: { hits: 0, misses: 0 },
    })
    const stats = body as unknown as {
      feed_age_ms: number
      secrets: { count: number }[]
      verifications: { memory: number; read: number }
    }
    expect(stats.feed_age_ms).toBeGreaterThanOrEqual(0)
    expect(stats.secrets.reduce((sum, { count }) => sum + count, 0)).toBe(1)
    expect(stats.verifications.memory + stats.verifications.read).toBeGreaterThan(0)
  })

  it('has the claims of a token and the reason of its refusal, and never its signature', async () => {
    const person = await register(running)
    const inspect = async (token: string) => {
      const answer = await running.api.post('/v1/admin/inspect', { token: admin.token, body: { token } })
      expect(JSON.stringify(answer.body)).not.toContain(token.split('.')[2] || 'no signature')
      return { status: answer.status, ...(answer.body as unknown as Record<string, unknown>) }
    }
    expect(await inspect(person.token)).toMatchObject({
      status: 200,
      accepted: true,
      refusal: null,
      claims: { sub: person.id, sid: person.sessionId },
      secret: { tenant: person.id, generation: 1, disabled: false },
    })
    await running.api.post('/v1/logout-all', { token: person.token })
    expect(await inspect(person.token)).toMatchObject({
      accepted: false,
      refusal: { code: 'token_revoked' },
      claims: { sub: person.id },
      secret: null,
    })
    expect(await inspect('not a token')).toMatchObject({ accepted: false, header: null, claims: null, secret: null })
    expect(await inspect(`${'x'.repeat(9000)}.e30.no-signature`)).toMatchObject({
      refusal: { code: 'token_too_large' },
    })
  })

  it('is only for administrators', async () => {
    const person = await register(running)
    const routes = [
      ['GET', '/v1/admin/stats'],
      ['POST', '/v1/admin/inspect'],
      ['GET', '/v1/admin/rotations'],
      ['POST', '/v1/admin/rotations'],
      ['POST', '/v1/admin/rotations/pause'],
      ['POST', '/v1/admin/rotations/resume'],
      ['POST', '/v1/admin/rotations/stop'],
    ] as const
    for (const [method, path] of routes) {
      const user = await running.api.call(method, path, { token: person.token })
      const anonymous = await running.api.call(method, path)
      expect([path, user.body.code, anonymous.body.code]).toEqual([path, 'admin_required', 'credentials_missing'])
    }
  })
})
