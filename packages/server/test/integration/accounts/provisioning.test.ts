import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { operator } from '../../../src/audit/operator.js'
import { lettersTo, newestLetter } from '../../support/letters.js'
import {
  createAdmin,
  freshEmail,
  login,
  type Person,
  password,
  register,
  registerVerified,
} from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

const newPassword = 'a different password altogether'

describe.each(databases)('accounts that administrators create on %s', (database) => {
  let running: TestServer
  let admin: Person

  beforeAll(async () => {
    running = await startServer({ database, configuration: { registration: 'closed' } })
    admin = await createAdmin(running)
  })
  afterAll(() => running.stop())

  const create = (input: object) => running.api.post('/v1/admin/users', { token: admin.token, body: input })
  const act = (id: string, action: string, { token }: Person = admin) =>
    running.api.post(`/v1/admin/users/${id}/${action}`, { token })

  it('can be used at once if they have a password, otherwise after a reset', async () => {
    const [withPassword, without] = [freshEmail(), freshEmail()]
    const { status, body } = await create({ email: withPassword, password, name: 'Ada' })
    expect([status, body]).toEqual([
      201,
      expect.objectContaining({
        email: withPassword,
        email_verified: false,
        name: 'Ada',
        role: 'user',
        disabled_at: null,
      }),
    ])
    expect((await login(running, withPassword)).id).toBe(body.id)
    const { body: empty } = await create({ email: without, email_verified: true })
    expect(empty.email_verified).toBe(true)
    for (const guess of ['', ' ', password, empty.id]) {
      const { body: refused } = await running.api.post('/v1/login', {
        body: { email: without, password: guess || 'x' },
      })
      expect(refused.code).toBe('invalid_credentials')
    }
    const link = await act(empty.id, 'reset-link')
    expect((await reset(running, link.body.url)).status).toBe(204)
    expect((await login(running, without, newPassword)).id).toBe(empty.id)
  })

  it('are refused for addresses that are taken, and with passwords that are not allowed', async () => {
    expect((await create({ email: admin.email.toUpperCase() })).body.code).toBe('email_taken')
    expect((await create({ email: 'nonsense' })).body.code).toBe('email_invalid')
    expect((await create({ email: freshEmail(), password: 'short' })).body.code).toBe('password_too_short')
    expect((await create({ email: freshEmail(), role: 'admin' })).body.code).toBe('validation_failed')
  })

  it('are created, verified and reset only by administrators, and each act is in the audit log with its session', async () => {
    const email = freshEmail()
    const { body: made } = await create({ email, password })
    await act(made.id, 'verify')
    await act(made.id, 'reset-link')
    const { body } = await running.api.get(`/v1/admin/audit?account=${made.id}`, { token: admin.token })
    expect(body.entries.map(({ event, actor, session }) => [event, actor, session])).toEqual([
      ['reset_link_create', admin.id, admin.sessionId],
      ['email_verify', admin.id, admin.sessionId],
      ['register', admin.id, admin.sessionId],
    ])
    const { token } = await login(running, email)
    for (const path of [
      '/v1/admin/users',
      `/v1/admin/users/${made.id}/verify`,
      `/v1/admin/users/${made.id}/reset-link`,
    ]) {
      const sent = path === '/v1/admin/users' ? { body: { email: freshEmail() } } : {}
      expect((await running.api.post(path, { token, ...sent })).body.code).toBe('admin_required')
      expect((await running.api.post(path, sent)).body.code).toBe('credentials_missing')
    }
    const unknown = '00000000-0000-7000-8000-000000000000'
    for (const action of ['verify', 'reset-link']) {
      expect((await act(unknown, action)).body.code).toBe('account_unknown')
    }
  })

  it('can sign in once their address is marked as verified, where verification is required', async () => {
    const strict = await running.startAnother({ configuration: { unverifiedSignIn: 'refuse' } })
    const email = freshEmail()
    const { body: made } = await create({ email, password })
    await expect(login(strict, email)).rejects.toThrow('email_unverified')
    const { status, body } = await act(made.id, 'verify')
    expect([status, body.email_verified]).toEqual([200, true])
    expect((await login(strict, email)).id).toBe(made.id)
    const since = async () => (await running.server.service.administration.read(made.id)).emailVerifiedAt
    const first = await since()
    await act(made.id, 'verify')
    expect(await since()).toBe(first)
    await strict.stop()
  })
})

describe.each(databases)('a reset link that an administrator hands out on %s', (database) => {
  let running: TestServer
  let admin: Person

  beforeAll(async () => {
    running = await startServer({ database })
    admin = await createAdmin(running)
  })
  afterAll(() => running.stop())

  const make = (id: string, { token }: Person = admin) =>
    running.api.post(`/v1/admin/users/${id}/reset-link`, { token })
  const read = (id: string) => running.server.service.administration.read(id)

  it('sets a password once, ends every session and token, and informs the owner of a verified address', async () => {
    const person = await registerVerified(running)
    const { status, body } = await make(person.id)
    expect(status).toBe(201)
    expect(body.url).toMatch(/^http:\/\/issuer\.test\/reset-password#token=[\w-]{43}$/)
    const lifetimeMs = Date.parse(body.expires_at) - running.clock.now()
    expect(lifetimeMs).toBeGreaterThan(0)
    expect(lifetimeMs).toBeLessThanOrEqual(running.configuration.mail.resetLinkTtlSec * 1000)
    expect((await reset(running, body.url)).status).toBe(204)
    expect((await reset(running, body.url)).body.code).toBe('link_invalid')
    expect((await running.api.get('/v1/me', { token: person.token })).status).toBe(401)
    await expect(login(running, person.email)).rejects.toThrow('invalid_credentials')
    expect((await login(running, person.email, newPassword)).id).toBe(person.id)
    const subjects = (await lettersTo(running, person.email)).map(({ subject }) => subject)
    expect(subjects).toEqual(
      expect.arrayContaining(['A link to reset your password was created', 'Your password was changed']),
    )
    const { body: log } = await running.api.get(`/v1/admin/audit?account=${person.id}&event=password_reset`, {
      token: admin.token,
    })
    expect(log.entries.map(({ detail }) => detail)).toEqual([{ made_by: admin.id }])
  })

  it('verifies no address, removes no name, and mails nothing to an unverified address', async () => {
    const person = await register(running)
    await running.api.patch('/v1/me', { token: person.token, body: { name: 'Ada' } })
    const { body } = await make(person.id)
    expect((await reset(running, body.url)).status).toBe(204)
    expect(await read(person.id)).toMatchObject({ emailVerifiedAt: null, name: 'Ada' })
    const subjects = (await lettersTo(running, person.email)).map(({ subject }) => subject)
    expect(subjects).toEqual(['Verify your e-mail address'])
  })

  it('replaces earlier links, mailed ones too, and stays valid when a mailed link is requested', async () => {
    const person = await registerVerified(running)
    const forgot = () => running.api.post('/v1/password/forgot', { body: { email: person.email } })
    await forgot()
    const { token: mailed } = await newestLetter(running, person.email, 'Reset your password')
    const first = await make(person.id)
    const second = await make(person.id)
    expect((await resetBy(running, mailed)).body.code).toBe('link_invalid')
    expect((await reset(running, first.body.url)).body.code).toBe('link_invalid')
    // Anyone who knows the address can request a mailed link.
    await forgot()
    const { token: later } = await newestLetter(running, person.email, 'Reset your password')
    expect((await reset(running, second.body.url)).status).toBe(204)
    expect((await resetBy(running, later)).body.code).toBe('link_invalid')
  })

  it('is created for an administrator only by the operator', async () => {
    const other = await createAdmin(running)
    for (const { id } of [other, admin]) expect((await make(id)).body.code).toBe('administrator_protected')
    const { url } = await running.server.service.resetLinks.create(operator, other.id)
    expect((await reset(running, url)).status).toBe(204)
    expect((await login(running, other.email, newPassword)).id).toBe(other.id)
  })

  it('is not created for a disabled account, and sets no password once the account is disabled', async () => {
    const person = await register(running)
    const { administration } = running.server.service
    const { body } = await make(person.id)
    await administration.disable(operator, person.id)
    expect((await make(person.id)).body.code).toBe('account_disabled')
    expect((await reset(running, body.url)).body.code).toBe('account_disabled')
  })

  it.each([
    ['is demoted', (id: string) => running.server.service.administration.changeGrants(operator, id, { role: 'user' })],
    ['is disabled', (id: string) => running.server.service.administration.disable(operator, id)],
    ['is deleted', (id: string) => running.server.service.administration.delete(operator, id)],
  ])('ends when the administrator who created it %s', async (_, end) => {
    const maker = await createAdmin(running)
    const person = await register(running)
    const { body } = await make(person.id, maker)
    await end(maker.id)
    expect((await reset(running, body.url)).body.code).toBe('link_invalid')
    expect((await login(running, person.email)).id).toBe(person.id)
  })

  it('ends when its account becomes an administrator or gets another address or password', async () => {
    const { administration, store } = running.server.service
    const [promoted, moved, changed] = [await register(running), await register(running), await register(running)]
    const links = await Promise.all([promoted, moved, changed].map(async ({ id }) => (await make(id)).body.url))
    await administration.changeGrants(operator, promoted.id, { role: 'admin' })
    await store.query('update server_accounts set email = $2 where id = $1', [moved.id, freshEmail()])
    const body = { current_password: password, new_password: newPassword }
    await running.api.post('/v1/me/password', { token: changed.token, body })
    for (const url of links) expect((await reset(running, url)).body.code).toBe('link_invalid')
  })

  it('expires', async () => {
    const person = await register(running)
    const { body } = await make(person.id)
    await running.server.service.store.query('update server_one_time_tokens set expires_at = 1 where account_id = $1', [
      person.id,
    ])
    expect((await reset(running, body.url)).body.code).toBe('link_invalid')
  })
})

function reset(running: TestServer, url: string | undefined) {
  return resetBy(running, url?.split('#token=')[1] ?? '')
}

function resetBy({ api }: TestServer, token: string) {
  return api.post('/v1/password/reset', { body: { token, new_password: newPassword } })
}
