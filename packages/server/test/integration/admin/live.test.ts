import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { LiveStream } from '../../support/live-stream.js'
import { createAdmin, type Person, register, tokenState } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

const streams: LiveStream[] = []

async function watch({ url }: TestServer, { token }: Person): Promise<LiveStream> {
  const stream = await LiveStream.open(url, { authorization: `Bearer ${token}` })
  streams.push(stream)
  return stream
}

afterEach(() => {
  for (const stream of streams.splice(0)) stream.close()
})

describe.each(databases)('the live view on %s', (database) => {
  let running: TestServer

  beforeAll(async () => {
    running = await startServer({ database, parts: { liveIntervalMs: 200 } })
  })
  afterAll(() => running.stop())

  it('shows what the server does, as /openapi.json describes it, and no proxy stores or buffers it', async () => {
    const admin = await createAdmin(running)
    const stream = await watch(running, admin)
    const header = (name: string) => stream.response.headers.get(name)
    expect([header('content-type'), header('cache-control'), header('x-accel-buffering')]).toEqual([
      'text/event-stream; charset=utf-8',
      'no-store, no-transform',
      'no',
    ])
    const before = await stream.next(({ name }) => name === 'state')
    const responses = running.api.contract.document.paths['/v1/admin/live']?.get?.responses
    const content = responses?.['200']?.content?.['text/event-stream'] as { readonly schema: object }
    const ajv = new Ajv2020({ strict: false })
    formats.default(ajv)
    expect(ajv.validate(content.schema, before.data), ajv.errorsText()).toBe(true)
    for (let count = 0; count < 20; count += 1) await tokenState(running, admin.token)
    await running.api.post('/v1/login', { body: { email: admin.email, password: 'a wrong password' } })
    const after = await stream.next(({ data }) => (data.totals.sign_ins_refused ?? 0) > 0)
    const refusals = stream.events.flatMap(({ data }) => data.refusals)
    expect(refusals).toContainEqual({
      kind: 'sign_in',
      code: 'invalid_credentials',
      title: 'The e-mail address or the password is wrong.',
      rate: expect.any(Number),
    })
    const grown = (name: string) => (after.data.totals[name] ?? 0) - (before.data.totals[name] ?? 0)
    expect(grown('verifications_memory')).toBeGreaterThanOrEqual(20)
    expect(grown('requests')).toBeGreaterThanOrEqual(20)
    expect(stream.events.some(({ data }) => (data.rates.verifications_memory ?? 0) > 0)).toBe(true)
    expect(after.data.processes[0]).toMatchObject({ current: true, feed_age_ms: expect.any(Number) })
  })

  it('shows every server process of the database, while it runs', async () => {
    const admin = await createAdmin(running)
    const stream = await watch(running, admin)
    const other = await running.startAnother()
    const both = await stream.next(({ data }) => data.processes?.length === 2 && (data.verifiers ?? 0) >= 2)
    const before = both.data.totals.verifications_memory ?? 0
    expect(both.data.processes.map(({ current }) => current)).toEqual([true, false])
    expect(both.data.processes.every(({ feed_age_ms: age }) => age !== null && age < 5000)).toBe(true)
    for (let count = 0; count < 50; count += 1) await tokenState(other, admin.token)
    await running.api.post(`/v1/admin/users/${(await register(running)).id}/revoke`, { token: admin.token })
    const counted = await stream.next(
      ({ data }) =>
        (data.totals.verifications_memory ?? 0) > before + 40 && (data.processes[1]?.deliveries.count ?? 0) > 0,
    )
    expect(counted.data.processes[1]?.deliveries.p99_ms).toEqual(expect.any(Number))
    await other.server.close()
    await stream.next(({ data }) => data.processes.length === 1)
  })

  it('lists at most 100 processes, the silent and the late ones first, and counts all', async () => {
    const stream = await watch(running, await createAdmin(running))
    const insert = `insert into server_processes (id, name, started_at, seen_at, watches_until, sample)
      values ($1, $2, 1, $3, 0, $4)`
    const { store } = running.server.service
    const add = (name: string, seenAt: number, feedAgeMs: number) =>
      store.query(insert, [randomUUID(), name, seenAt, JSON.stringify({ feedAgeMs })])
    const [later, earlier] = [Date.now() + 3_600_000, Date.now() - 20_000]
    for (let count = 0; count < 150; count += 1) await add('well', later, 100)
    await add('late', later, 5000)
    await add('silent', earlier, 100)
    const { data } = await stream.next(({ data }) => data.process_count === 153)
    expect(data.processes.length).toBe(100)
    expect(data.processes.slice(0, 4).map(({ current, name }) => (current ? 'this one' : name))).toEqual([
      'this one',
      'silent',
      'late',
      'well',
    ])
    await store.query('delete from server_processes where started_at = 1')
  })

  it('ends with the right or the session of its administrator, and shows nothing afterwards', async () => {
    const [demoted, gone] = [await createAdmin(running), await createAdmin(running)]
    const ended = async (person: Person, end: () => Promise<unknown>) => {
      const stream = await watch(running, person)
      await stream.next(({ name }) => name === 'state')
      await end()
      const before = stream.events.length
      const code = await stream.end()
      // At most the one that was on its way.
      expect(stream.events.slice(before).filter(({ name }) => name === 'state').length).toBeLessThan(2)
      return code
    }
    // Changes only the row: the token still has the role "admin".
    const demote = `update server_accounts set role = 'user' where id = $1`
    expect(await ended(demoted, () => running.server.service.store.query(demote, [demoted.id]))).toBe('admin_required')
    expect(await ended(gone, () => running.api.post('/v1/logout-all', { token: gone.token }))).toMatch(
      /token_revoked|session_ended/,
    )
  })

  it('is limited to four streams of an account', async () => {
    const admin = await createAdmin(running)
    const opened = await Promise.all([1, 2, 3, 4].map(() => watch(running, admin)))
    expect(opened.map(({ response }) => response.status)).toEqual([200, 200, 200, 200])
    const refused = await running.api.get('/v1/admin/live', { token: admin.token })
    expect([refused.status, refused.body.code]).toEqual([429, 'live_streams_exhausted'])
    opened[0]?.close()
    await expect.poll(async () => (await watch(running, admin)).response.status).toBe(200)
  })

  it('is refused to everyone else, and has no HEAD that would hold a stream', async () => {
    const person = await register(running)
    for (const path of ['/v1/admin/live', '/v1/admin/health']) {
      expect((await running.api.get(path, { token: person.token })).body.code).toBe('admin_required')
      expect((await running.api.get(path)).body.code).toBe('credentials_missing')
    }
    const { token } = await createAdmin(running)
    const head = await fetch(`${running.url}/v1/admin/live`, {
      method: 'HEAD',
      headers: { authorization: `Bearer ${token}` },
    })
    expect(head.status).toBe(405)
  })
})

describe('a client of the live view that does not read', () => {
  it('is disconnected, so that another one finds room', async () => {
    const running = await startServer({ database: 'sqlite', parts: { liveIntervalMs: 20 } })
    const admin = await createAdmin(running)
    // Events of 200 processes fill the buffers of the operating system sooner.
    const row = `insert into server_processes (id, name, started_at, seen_at, watches_until, sample)
      values ($1, $2, 0, $3, 0, '{}')`
    for (let count = 0; count < 200; count += 1) {
      const values = [randomUUID(), 'n'.repeat(500), Date.now() + 3_600_000]
      await running.server.service.store.query(row, values)
    }
    const { port, hostname, host } = new URL(running.url)
    const sockets: Socket[] = []
    for (let count = 0; count < 4; count += 1) {
      const socket = connect(Number(port), hostname).pause()
      await once(socket, 'connect')
      socket.write(`GET /v1/admin/live HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${admin.token}\r\n\r\n`)
      sockets.push(socket)
    }
    await expect.poll(async () => (await watch(running, admin)).response.status).toBe(429)
    await expect.poll(async () => (await watch(running, admin)).response.status, { timeout: 30_000 }).toBe(200)
    for (const socket of sockets) socket.destroy()
    await running.stop()
  })
})

describe.each(databases)('the live view of a server on %s', (database) => {
  it('ends when the server stops, without delaying it', async () => {
    const running = await startServer({ database })
    const stream = await watch(running, await createAdmin(running))
    await stream.next(({ name }) => name === 'state')
    const stoppedAt = performance.now()
    await running.stop()
    expect(performance.now() - stoppedAt, 'not by the time limit').toBeLessThan(5000)
    expect(await stream.end()).toBe('not_ready')
  })

  it('ends, and says so, when the database does not answer', async () => {
    const running = await startServer({ database, configuration: { maxStalenessMs: 500 } })
    const admin = await createAdmin(running)
    const stream = await watch(running, admin)
    await stream.next(({ name }) => name === 'state')
    await running.loseDatabase()
    const code = database === 'sqlite' ? 'store_closed' : 'store_unavailable'
    expect(await stream.end()).toBe(code)
    const again = await running.api.get('/v1/admin/live', { token: admin.token })
    expect([again.status, again.body.code]).toEqual([503, 'store_unavailable'])
    await running.stop()
  })
})
