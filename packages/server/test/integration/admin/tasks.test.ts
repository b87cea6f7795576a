import { setTimeout as sleep } from 'node:timers/promises'
import { Keyring } from 'latchkey'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { beginTask, type TaskKind } from '../../../src/admin/task-table.js'
import { createAdmin, login, type Person, register, tokenState } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

interface Task {
  readonly kind: string
  readonly state: string
  readonly started_by: string
  readonly step: string
  readonly done: number
  readonly total: number | null
  readonly code: string | null
}

describe.each(databases)('tasks on all accounts and keys on %s', (database) => {
  let first: TestServer
  let second: TestServer
  let admin: Person

  beforeAll(async () => {
    first = await startServer({ database, configuration: { maxStalenessMs: 500 } })
    second = await first.startAnother()
    admin = await createAdmin(first)
  })
  afterAll(async () => {
    await second.stop()
    await first.stop()
  })

  const post = (path: string, running = first) => running.api.post(`/v1/admin/${path}`, { token: admin.token })
  const task = async (kind: string, running = first): Promise<Task | undefined> => {
    const { body } = await running.api.get('/v1/admin/tasks', { token: admin.token })
    return (body as unknown as { tasks: readonly Task[] }).tasks.find((one) => one.kind === kind)
  }
  const stored = async (kind: string) =>
    (await first.server.service.tasks.read()).find((one) => one.kind === kind) ?? { state: 'never' }
  const finished = (kind: string) =>
    expect.poll(() => stored(kind), { timeout: 20_000 }).toMatchObject({ state: 'done' })
  const refresh = async ({ api }: TestServer, { refreshToken }: Person) =>
    (await api.post('/v1/refresh', { body: { refresh_token: refreshToken } })).body.code
  /** Stores a task that a server, which is not one of these, runs or has run. */
  const store = (kind: string, runnerUntil: number) =>
    first.server.service.store.query(
      `insert into server_tasks (kind, state, started_by, started_at, ended_at, step, done, total, code, runner, runner_until)
       values ($1, 'running', 'cli', 0, null, '', 0, null, null, 'another', $2)
       on conflict (kind) do update set state = 'running', runner = 'another', runner_until = excluded.runner_until`,
      [kind, runnerUntil],
    )

  it('end all sessions and tokens on every server, the own one last', async () => {
    const people = [await register(first), await register(second)]
    expect(await task('revoke_all')).toBeUndefined()
    const { status, body } = await post('revoke-all')
    expect([status, body]).toMatchObject([200, { kind: 'revoke_all', started_by: admin.id, code: null }])
    await finished('revoke_all')
    await first.server.service.keys.waitForPropagation()
    for (const running of [first, second]) {
      for (const { token } of [...people, admin]) expect(await tokenState(running, token)).toBe('token_revoked')
      for (const person of [...people, admin]) expect(await refresh(running, person)).toBe('session_ended')
    }
    admin = await login(first, admin.email)
    expect(await task('revoke_all', second)).toMatchObject({ state: 'done', done: 3, total: 3, started_by: admin.id })
    const entries = await first.api.get('/v1/admin/audit?event=secret_revoke_all', { token: admin.token })
    expect(entries.body.entries.map(({ actor }) => actor)).toEqual([admin.id])
  })

  it('replace every key on both servers, and show the versions of each', async () => {
    const person = await register(first)
    expect((await post('replace-keys', second)).status).toBe(200)
    await finished('replace_keys')
    for (const running of [first, second]) {
      expect(await tokenState(running, person.token)).toBe('token_revoked')
      expect(await refresh(running, person)).not.toBe(undefined)
    }
    admin = await login(first, admin.email)
    expect(await task('replace_keys')).toMatchObject({ step: 'finish', code: null })
    const { body } = await first.api.get('/v1/admin/keys', { token: admin.token })
    const { kept_keys: kept } = body as unknown as { kept_keys: { name: string; stage: string }[] }
    const stages = kept.filter(({ name }) => name === 'server:refresh-key').map(({ stage }) => stage)
    expect(stages.sort()).toEqual(['current', 'retired'])
    expect(await tokenState(second, (await login(second, person.email)).token)).toBe(200)
  })

  it('run one at a time, can be stopped, and are started by administrators alone', async () => {
    await store('rewrap', Date.now() + 60_000)
    for (const path of ['revoke-all', 'replace-keys', 'rewrap']) {
      expect(await post(path)).toMatchObject({ status: 409, body: { code: 'task_running' } })
    }
    expect(await task('rewrap')).toMatchObject({ state: 'running' })
    expect((await post('tasks/stop', second)).body).toMatchObject({ kind: 'rewrap', state: 'stopped' })
    expect(await post('tasks/stop')).toMatchObject({ status: 404, body: { code: 'task_unknown' } })
    const person = await register(first)
    const routes = [
      ['GET', 'tasks'],
      ['GET', 'keys'],
      ['POST', 'propagation'],
      ['POST', 'revoke-all'],
      ['POST', 'replace-keys'],
      ['POST', 'rewrap'],
      ['POST', 'tasks/stop'],
    ] as const
    for (const [method, path] of routes) {
      const user = await first.api.call(method, `/v1/admin/${path}`, { token: person.token })
      const anonymous = await first.api.call(method, `/v1/admin/${path}`)
      expect([path, user.body.code, anonymous.body.code]).toEqual([path, 'admin_required', 'credentials_missing'])
    }
  })

  it('begin once, when two servers begin different ones at the same moment', async () => {
    const begin = ({ server }: TestServer, kind: TaskKind) =>
      server.service.store.transaction(async (client) => {
        const begun = await beginTask(client, { kind, startedBy: 'cli', startedAt: 0 })
        // The other one begins meanwhile, and cannot see this one yet.
        if (begun) await sleep(100)
        return begun
      })
    const begun = await Promise.all([begin(first, 'rewrap'), begin(second, 'revoke_all')])
    expect(begun.filter(Boolean)).toHaveLength(1)
    const { tasks } = first.server.service
    await expect.poll(async () => (await tasks.read()).some(({ endedAt }) => endedAt === null)).toBe(false)
    expect(await tokenState(first, admin.token)).toBe(200)
  })

  it('are continued by another server if the one that ran them has died', async () => {
    await store('rewrap', Date.now() - 1)
    await finished('rewrap')
  })

  it('move every value to the newest master key, so that the older one can be left out', async () => {
    await register(first)
    const older = first.server.service.database.masterKeys
    const masterKeys = `${Keyring.generate('newer')},${older}`
    const newer = await first.startAnother({
      configuration: { database: { ...first.configuration.database, masterKeys } },
    })
    try {
      const keys = async () => {
        const { body } = await newer.api.get('/v1/admin/keys', { token: admin.token })
        return (body as unknown as { master_keys: Record<string, unknown>[] }).master_keys
      }
      const [before, old] = await keys()
      expect(before).toMatchObject({ id: 'newer', encrypts: true, in_ring: true, needed: false, secrets: 0 })
      expect(old).toMatchObject({ encrypts: false, in_ring: true, needed: true })
      expect((await post('rewrap', newer)).status).toBe(200)
      await finished('rewrap')
      expect(await stored('rewrap')).toMatchObject({ code: null })
      await expect.poll(keys).toMatchObject([
        { id: 'newer', needed: true, secrets: old?.secrets },
        { needed: false, secrets: 0 },
      ])
      expect(JSON.stringify(await keys())).not.toContain(masterKeys.split(/[:,]/)[1])
    } finally {
      await newer.stop()
    }
  })
})
