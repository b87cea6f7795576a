import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { operator } from '../../../src/audit/operator.js'
import { createAdmin, createAuditor, freshEmail, type Person, password, register } from '../../support/people.js'
import { actingAs, addSecondFactor, openSession } from '../../support/second-factor.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

/** The routes that change nothing although their method is POST. */
const readsByPost: ReadonlySet<string> = new Set([
  'POST /v1/admin/inspect',
  'POST /v1/admin/propagation',
  'POST /v1/admin/audit/verify',
])

const stream = '/v1/admin/live'

describe.each(databases)('an auditor on %s', (database) => {
  let running: TestServer
  let admin: Person
  let auditor: Person

  beforeAll(async () => {
    running = await startServer({ database })
    admin = await createAdmin(running)
    auditor = await createAuditor(running)
  })
  afterAll(() => running.stop())

  const call = async (...request: Parameters<TestServer['api']['call']>) => {
    const { status, body } = await running.api.call(...request)
    return { status, code: body?.code }
  }

  /** Opens the stream, which does not end by itself. */
  const open = async (token: string) => {
    const answer = await fetch(running.url + stream, { headers: { authorization: `Bearer ${token}` } })
    if (answer.ok) await answer.body?.cancel()
    return { status: answer.status, code: answer.ok ? '' : ((await answer.json()) as { code: string }).code }
  }

  /** Calls every route of administrators, with the IDs of an account in its path. */
  const walk = async ({ token }: Person) => {
    const answers: { name: string; isRead: boolean; status: number; code: string }[] = []
    for (const { method, path } of running.api.contract.operations) {
      if (!path.startsWith('/v1/admin/')) continue
      const name = `${method} ${path}`
      const isRead = method === 'GET' || readsByPost.has(name)
      // A body that no schema accepts shows that a change is refused before its body is read.
      const sent = method === 'GET' ? {} : { body: { '\u0001': 1 } }
      const at = path.replaceAll(/\{\w+\}/g, admin.id)
      const { status, code } = await (path === stream ? open(token) : call(method, at, { token, ...sent }))
      answers.push({ name, isRead, status, code })
    }
    expect(answers.length).toBeGreaterThan(30)
    return answers
  }

  it('is refused on every route that changes something, and admitted to every one that reads', async () => {
    const answers = await walk(auditor)
    for (const { name, isRead, status, code } of answers) {
      if (isRead) expect([name, status]).not.toEqual([name, 403])
      if (isRead) expect([name, status]).not.toEqual([name, 401])
      else expect([name, status, code]).toEqual([name, 403, 'admin_required'])
    }
    expect(answers.filter(({ isRead }) => isRead).length).toBeGreaterThan(8)
    const path = '/v1/admin/inspect'
    expect((await running.api.post(path, { token: auditor.token, body: { token: 'a.b.c' } })).status).toBe(200)
  })

  it('has what a user has not: a user is refused on every route of administrators', async () => {
    for (const { name, status, code } of await walk(await register(running))) {
      expect([name, status, code]).toEqual([name, 403, 'admin_required'])
    }
  })

  it('is refused again in the transaction of a change that a guard has let pass', async () => {
    const { administration, clientAdministration, rotations } = running.server.service
    const by = { ...(await actingAs(running, auditor)), address: null }
    const { id } = await register(running)
    const changes = [
      () => administration.disable(by, id),
      () => administration.changeGrants(by, id, { role: 'admin' }),
      () => administration.endSession(by, admin.sessionId),
      () => clientAdministration.create(by, { name: 'backdoor', scope: '', mayIntrospect: true }),
      () => rotations.start(by, {}),
    ]
    for (const change of changes) await expect(change()).rejects.toMatchObject({ code: 'admin_required' })
  })

  it('depends on the stored role, and ends at once with it', async () => {
    const former = await createAuditor(running)
    const status = async () => (await running.api.get('/v1/admin/users', { token: former.token })).status
    expect(await status()).toBe(200)
    await running.server.service.store.query(`update server_accounts set role = 'user' where id = $1`, [former.id])
    expect(await status()).toBe(403)
  })

  it('is appointed by administrators alone', async () => {
    const { id } = await register(running)
    const change = ({ token }: Person) =>
      running.api.patch(`/v1/admin/users/${id}`, { token, body: { role: 'auditor' } })
    const user = await register(running)
    expect([(await change(user)).status, (await change(auditor)).status]).toEqual([403, 403])
    expect((await running.api.patch('/v1/me', { token: user.token, body: { role: 'auditor' } as never })).status).toBe(
      400,
    )
    const { status, body } = await change(admin)
    expect([status, body.role]).toEqual([200, 'auditor'])
    const audit = await running.api.get(`/v1/admin/audit?account=${id}&event=role_change`, { token: auditor.token })
    expect(audit.body.entries[0]?.detail).toMatchObject({ before: { role: 'user' }, after: { role: 'auditor' } })
  })

  it('does not count as a remaining administrator', async () => {
    const strict = await startServer({ database })
    try {
      const last = await createAdmin(strict)
      await createAuditor(strict)
      const { administration, adminCreation } = strict.server.service
      const refused = { code: 'last_administrator' }
      await expect(administration.changeGrants(operator, last.id, { role: 'auditor' })).rejects.toMatchObject(refused)
      const demotion = { email: last.email, password, role: 'auditor' } as const
      await expect(adminCreation.createAdmin(demotion)).rejects.toMatchObject(refused)
      await createAdmin(strict)
      expect(await adminCreation.createAdmin(demotion)).toMatchObject({ created: false, account: { role: 'auditor' } })
    } finally {
      await strict.stop()
    }
  })

  it('needs a second factor as an administrator does, which need not be recent to read', async () => {
    const configuration = { adminSecondFactor: 'require' } as const
    const strict = await startServer({ database, configuration })
    try {
      const email = freshEmail()
      await strict.server.service.adminCreation.createAdmin({ email, password, role: 'auditor' })
      const { body } = await strict.api.post('/v1/login', { body: { email, password } })
      const codeOf = async (token: string) => {
        const answer = await strict.api.get('/v1/admin/users', { token })
        return answer.status === 200 ? 200 : answer.body.code
      }
      expect(await codeOf(body.access_token)).toBe('second_factor_required_for_admin')
      await addSecondFactor(strict, body.account.id)
      expect(await codeOf(body.access_token)).toBe('recent_authentication_required')
      const strong = await openSession(strict, { ...auditor, id: body.account.id })
      expect(await codeOf(strong.token)).toBe(200)
      strict.clock.advance(601_000)
      expect(await codeOf(strong.token)).toBe(200)
      const sent = { token: strong.token, body: { token: 'a.b.c' } }
      expect((await strict.api.post('/v1/admin/inspect', sent)).status).toBe(200)
    } finally {
      await strict.stop()
    }
  })
})
