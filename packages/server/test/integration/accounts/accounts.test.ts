import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAdmin, freshEmail, login, password, personOf, register, tokenState } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

const newPassword = 'a different staple for the horse'

describe.each(databases)('accounts on %s', (database) => {
  let running: TestServer

  beforeAll(async () => {
    running = await startServer({ database })
  })
  afterAll(() => running.stop())

  describe('registration', () => {
    it('returns an account, tokens that work at once, and nothing of the password', async () => {
      const { status, body, headers } = await running.api.post('/v1/register', {
        body: { email: ' Ada.L@EXAMPLE.com ', password, name: 'Ada' },
      })
      expect(status).toBe(201)
      expect(body.account).toMatchObject({ email: 'ada.l@example.com', name: 'Ada', role: 'user' })
      expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 900 })
      expect(headers.get('cache-control')).toBe('no-store')
      expect(JSON.stringify(body)).not.toContain(password)
      expect(await tokenState(running, body.access_token)).toBe(200)
    })

    it('refuses a second account for the same mailbox, however it is spelled', async () => {
      const { email } = await register(running)
      const { status, body } = await running.api.post('/v1/register', {
        body: { email: email.toUpperCase(), password },
      })
      expect([status, body.code]).toEqual([409, 'email_taken'])
    })

    it('leaves nothing in the database when it is refused', async () => {
      const { email } = await register(running)
      const { store } = running.server.service
      const count = async () =>
        (await store.query<{ n: number }>('select count(*) as n from latchkey_tenants')).rows[0]?.n
      const before = await count()
      await running.api.post('/v1/register', { body: { email, password } })
      expect(await count()).toBe(before)
    })

    it('lets only one of many registrations of an address at once succeed', async () => {
      const email = freshEmail()
      const attempts = Array.from({ length: 6 }, () => running.api.post('/v1/register', { body: { email, password } }))
      const statuses = (await Promise.all(attempts)).map(({ status }) => status)
      expect(statuses.toSorted()).toEqual([201, 409, 409, 409, 409, 409])
    })

    it.each([
      ['password_too_short', { email: 'short@example.com', password: 'elevenchars' }],
      ['password_too_long', { email: 'long@example.com', password: 'x'.repeat(129) }],
      ['email_invalid', { email: 'no address', password }],
      ['email_invalid', { email: 'two@at@example.com', password }],
    ])('refuses invalid input with %s', async (code, body) => {
      const answer = await running.api.post('/v1/register', { body })
      expect([answer.status, answer.body.code]).toEqual([400, code])
    })

    it('counts the length of a password in characters, not in bytes or UTF-16 units', async () => {
      const body = { email: freshEmail(), password: '🔑'.repeat(11) }
      expect((await running.api.post('/v1/register', { body })).body.code).toBe('password_too_short')
      const longer = { email: freshEmail(), password: '🔑'.repeat(128) }
      expect((await running.api.post('/v1/register', { body: longer })).status).toBe(201)
    })
  })

  describe('login', () => {
    it('signs in with any spelling of the address and any composition of the password', async () => {
      const email = freshEmail()
      const composed = 'caf\u00e9 au lait, please'
      await running.api.post('/v1/register', { body: { email, password: composed } })
      const body = { email: ` ${email.toUpperCase()}`, password: composed.normalize('NFD') }
      expect((await running.api.post('/v1/login', { body })).status).toBe(200)
    })

    it('opens a separate session for every device', async () => {
      const first = await register(running)
      const second = await login(running, first.email)
      expect(second.sessionId).not.toBe(first.sessionId)
      expect(await tokenState(running, first.token)).toBe(200)
      expect(await tokenState(running, second.token)).toBe(200)
    })

    it('answers the same to a wrong password, an unknown address and an invalid address', async () => {
      const { email } = await register(running)
      const answers = await Promise.all(
        [email, freshEmail(), 'nonsense'].map((address) =>
          running.api.post('/v1/login', { body: { email: address, password: 'not the right password' } }),
        ),
      )
      for (const { status, body } of answers) expect([status, body.code]).toEqual([401, 'invalid_credentials'])
    })

    it('reports that an account is disabled only after the right password', async () => {
      const person = await register(running)
      const admin = await createAdmin(running)
      await running.api.post(`/v1/admin/users/${person.id}/disable`, { token: admin.token })
      const wrong = await running.api.post('/v1/login', { body: { email: person.email, password: 'a wrong password' } })
      const right = await running.api.post('/v1/login', { body: { email: person.email, password } })
      expect([wrong.body.code, right.body.code]).toEqual(['invalid_credentials', 'account_disabled'])
    })
  })

  describe('the account of the signed-in user', () => {
    it('can be read', async () => {
      const person = await register(running)
      const { body } = await running.api.get('/v1/me', { token: person.token })
      expect(body).toMatchObject({ id: person.id, email: person.email, name: null, role: 'user' })
    })

    it('accepts a new name, or no name, without the password', async () => {
      const { token } = await register(running)
      expect((await running.api.patch('/v1/me', { token, body: { name: 'Grace' } })).body.name).toBe('Grace')
      expect((await running.api.patch('/v1/me', { token, body: {} })).body.name).toBe('Grace')
      expect((await running.api.patch('/v1/me', { token, body: { name: null } })).body.name).toBeNull()
    })

    it('requires the password to change the address', async () => {
      const person = await register(running)
      const email = freshEmail()
      const change = (body: object) => running.api.patch('/v1/me', { token: person.token, body })
      expect((await change({ email })).body.code).toBe('password_required')
      expect((await change({ email, password: 'a wrong password' })).body.code).toBe('password_wrong')
      expect((await change({ email: 'nonsense', password })).body.code).toBe('email_invalid')
      expect((await change({ email, password })).body.email).toBe(person.email)
    })

    it('cannot take the address of another account', async () => {
      const [person, other] = [await register(running), await register(running)]
      const answer = await running.api.patch('/v1/me', { token: person.token, body: { email: other.email, password } })
      expect([answer.status, answer.body.code]).toEqual([409, 'email_taken'])
    })

    it('is deleted with its sessions and its secret, but only with the password', async () => {
      const person = await register(running)
      const { token, email } = person
      const refused = await running.api.delete('/v1/me', { token, body: { password: 'a wrong password' } })
      expect([refused.status, refused.body.code]).toEqual([403, 'password_wrong'])
      expect((await running.api.delete('/v1/me', { token, body: { password } })).status).toBe(204)
      expect(await tokenState(running, token)).toBe('token_revoked')
      const refreshed = await running.api.post('/v1/refresh', { body: { refresh_token: person.refreshToken } })
      expect(refreshed.body.code).toBe('refresh_token_invalid')
      expect(await running.server.service.keys.describe(person.id)).toBeUndefined()
      expect((await register(running, email)).id).not.toBe(person.id)
    })
  })

  describe('a password change', () => {
    it('ends every token and every other session, and returns new tokens for this session', async () => {
      const here = await register(running)
      const there = await login(running, here.email)
      const { status, body } = await running.api.post('/v1/me/password', {
        token: here.token,
        body: { current_password: password, new_password: newPassword },
      })
      expect(status).toBe(200)
      const after = personOf(body)
      expect(after.sessionId).toBe(here.sessionId)
      expect(await tokenState(running, here.token)).toBe('token_revoked')
      expect(await tokenState(running, there.token)).toBe('token_revoked')
      expect(await tokenState(running, after.token)).toBe(200)
      const codeOf = async (refresh_token: string) =>
        (await running.api.post('/v1/refresh', { body: { refresh_token } })).body.code
      expect(await codeOf(there.refreshToken)).toBe('session_ended')
      expect(await codeOf(here.refreshToken)).toBe('refresh_token_invalid')
      expect(await codeOf(after.refreshToken)).toBeUndefined()
      await expect(login(running, here.email)).rejects.toThrow('invalid_credentials')
      expect((await login(running, here.email, newPassword)).id).toBe(here.id)
    })

    it('changes nothing when the current password is wrong or the new one too short', async () => {
      const person = await register(running)
      const change = (current_password: string, new_password: string) =>
        running.api.post('/v1/me/password', { token: person.token, body: { current_password, new_password } })
      expect((await change('a wrong password', newPassword)).body.code).toBe('password_wrong')
      expect((await change(password, 'short')).body.code).toBe('password_too_short')
      expect(await tokenState(running, person.token)).toBe(200)
      expect((await login(running, person.email)).id).toBe(person.id)
    })

    it('succeeds once when two run at the same time', async () => {
      const person = await register(running)
      const passwords = ['first new password', 'second new password']
      const answers = await Promise.all(
        passwords.map((new_password) =>
          running.api.post('/v1/me/password', {
            token: person.token,
            body: { current_password: password, new_password },
          }),
        ),
      )
      const succeeded = passwords.filter((_, index) => answers[index]?.status === 200)
      expect(succeeded).toHaveLength(1)
      expect((await login(running, person.email, succeeded[0])).id).toBe(person.id)
    })
  })

  it('refuses every route of an account to a request without a token', async () => {
    const routes = [
      ['GET', '/v1/me'],
      ['PATCH', '/v1/me'],
      ['DELETE', '/v1/me'],
      ['POST', '/v1/me/password'],
      ['GET', '/v1/me/sessions'],
      ['DELETE', `/v1/me/sessions/${crypto.randomUUID()}`],
      ['GET', '/v1/me/applications'],
      ['DELETE', `/v1/me/applications/${'a'.repeat(22)}`],
      ['GET', '/v1/me/export'],
      ['POST', '/v1/logout'],
      ['POST', '/v1/logout-all'],
    ] as const
    for (const [method, path] of routes) {
      const { status, body, headers } = await running.api.call(method, path)
      expect([method, path, status, body.code]).toEqual([method, path, 401, 'credentials_missing'])
      expect(headers.get('www-authenticate')).toBe('Bearer')
    }
  })
})
