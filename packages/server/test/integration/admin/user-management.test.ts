import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newestLetter } from '../../support/letters.js'
import {
  createAdmin,
  login,
  type Person,
  password,
  register,
  registerVerified,
  tokenState,
} from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'
import { addAuthenticator, firstStep } from '../../support/totp-app.js'

const unknown = '00000000-0000-7000-8000-000000000000'

describe.each(databases)('the management of users on %s', (database) => {
  let running: TestServer
  let admin: Person

  beforeAll(async () => {
    running = await startServer({ database })
    admin = await createAdmin(running)
  })
  afterAll(() => running.stop())

  const read = async (path: string, { token } = admin) => (await running.api.get(`/v1/admin${path}`, { token })).body
  const send = (path: string, body?: object, { token } = admin) =>
    running.api.post(`/v1/admin${path}`, { token, ...(body === undefined ? {} : { body }) })
  const eventsOf = async (id: string): Promise<string[]> =>
    (await read(`/audit?account=${id}`)).entries.map(({ event }) => event)

  describe('a filter of the list', () => {
    const emails = (users: readonly { readonly email: string }[]) =>
      users.map(({ email }) => email.split('-')[1]?.split('@')[0])
    let mark: string

    beforeAll(async () => {
      mark = crypto.randomUUID().slice(0, 8)
      const make = (name: string) => registerVerified(running, `${mark}-${name}@example.com`)
      const plain = await make('plain')
      await login(running, plain.email)
      const disabled = await make('disabled')
      await send(`/users/${disabled.id}/disable`)
      await addAuthenticator(running, await make('factor'))
      await register(running, `${mark}-unverified@example.com`)
      const both = await register(running, `${mark}-both@example.com`)
      await send(`/users/${both.id}/disable`)
      const promoted = await make('promoted')
      await running.api.patch(`/v1/admin/users/${promoted.id}`, { token: admin.token, body: { role: 'admin' } })
    })

    const past = encodeURIComponent('2020-01-01T00:00:00Z')
    const later = encodeURIComponent('2100-01-01T00:00:00Z')
    it.each([
      ['role=admin', ['promoted']],
      ['role=user', ['plain', 'disabled', 'factor', 'unverified', 'both']],
      ['state=active', ['plain', 'factor', 'promoted']],
      ['state=disabled', ['disabled', 'both']],
      ['state=unverified', ['unverified']],
      ['second_factor=with', ['factor']],
      ['second_factor=without&state=active', ['plain', 'promoted']],
      ['role=admin&state=disabled', []],
      [`signed_in_after=${past}`, ['plain']],
      [`signed_in_before=${past}`, ['disabled', 'factor', 'unverified', 'both', 'promoted']],
      [`created_after=${past}&created_before=${later}&state=unverified`, ['unverified']],
      [`created_before=${past}`, []],
    ])(
      '?%s returns the accounts that match it, with and without a search, on pages of one',
      async (query, expected) => {
        for (const search of [mark, `${mark}-`, '']) {
          const found: (string | undefined)[] = []
          let cursor: string | null = null
          do {
            const page = await read(
              `/users?search=${search}&${query}&limit=1${cursor === null ? '' : `&cursor=${cursor}`}`,
            )
            found.push(...emails(page.users.filter(({ email }) => email.startsWith(mark))))
            cursor = page.next_cursor
          } while (cursor !== null)
          expect([search, found]).toEqual([search, expected])
        }
      },
    )

    it('also holds for an exact address', async () => {
      const of = async (query: string) =>
        emails((await read(`/users?search=${mark}-factor@example.com&${query}`)).users)
      expect(await of('second_factor=with')).toEqual(['factor'])
      expect(await of('second_factor=without')).toEqual([])
    })

    it.each(['state=invited', 'role=root', 'second_factor=1', 'signed_in_after=today', 'created_before=2020-01-01'])(
      'refuses ?%s',
      async (query) => expect((await read(`/users?${query}`)).code).toBe('validation_failed'),
    )
  })

  describe('an action on many accounts', () => {
    const bulk = async (action: string, ids: readonly string[], { dryRun = false, by = admin } = {}) => {
      const { status, body } = await send('/users/bulk', { action, ids, dry_run: dryRun }, by)
      return status === 200 ? body.results.map(({ outcome, code }) => code ?? outcome) : body.code
    }

    it('is previewed without a change, and then done, each account with its own entry', async () => {
      const [one, two] = [await register(running), await register(running)]
      await send(`/users/${two.id}/disable`)
      const ids = [one.id, two.id, admin.id, unknown]
      const outcomes = ['done', 'skipped', 'own_account', 'account_unknown']
      const before = [await read(`/users/${one.id}`), await read(`/users/${one.id}/secrets`), await eventsOf(one.id)]
      expect(await bulk('disable', ids, { dryRun: true })).toEqual(outcomes)
      for (const action of ['rotate', 'revoke', 'verify'] as const)
        expect(await bulk(action, [one.id], { dryRun: true })).toEqual(['done'])
      expect([await read(`/users/${one.id}`), await read(`/users/${one.id}/secrets`), await eventsOf(one.id)]).toEqual(
        before,
      )
      expect(await tokenState(running, one.token)).toBe(200)
      expect(await bulk('disable', ids)).toEqual(outcomes)
      expect(await tokenState(running, one.token)).toBe('token_revoked')
      expect((await eventsOf(one.id))[0]).toBe('account_disable')
      expect((await eventsOf(two.id)).filter((event) => event === 'account_disable')).toHaveLength(1)
      expect(await bulk('rotate', [one.id])).toEqual(['tenant_inactive'])
      expect(await bulk('enable', [one.id, two.id])).toEqual(['done', 'done'])
      expect(await bulk('enable', [one.id])).toEqual(['skipped'])
    })

    it('revokes and verifies, and leaves other accounts alone', async () => {
      const [one, other] = [await register(running), await register(running)]
      expect(await bulk('verify', [one.id])).toEqual(['done'])
      expect(await bulk('verify', [one.id])).toEqual(['skipped'])
      expect(await bulk('revoke', [one.id])).toEqual(['done'])
      expect(await tokenState(running, one.token)).toBe('token_revoked')
      expect(await tokenState(running, other.token)).toBe(200)
    })

    it('is for administrators, and has at most 100 different IDs', async () => {
      const person = await register(running)
      expect(await bulk('disable', [admin.id], { by: person })).toBe('admin_required')
      expect(await bulk('disable', [person.id, person.id])).toBe('validation_failed')
      expect(await bulk('disable', [])).toBe('validation_failed')
      expect(await bulk('delete', [person.id])).toBe('validation_failed')
      const many = Array.from({ length: 101 }, () => crypto.randomUUID())
      expect(await bulk('disable', many)).toBe('validation_failed')
    })
  })

  it('lists the sessions that have ended, with the reason, page by page', async () => {
    const person = await register(running)
    const second = await login(running, person.email)
    await running.api.post('/v1/logout', { token: second.token })
    const ended = (query = '') => read(`/users/${person.id}/sessions?ended=true${query}`)
    expect(await ended()).toMatchObject({
      sessions: [{ id: second.sessionId, end_reason: 'logout', ended_at: expect.any(String), current: false }],
      next_cursor: null,
    })
    await send(`/users/${person.id}/revoke`)
    const first = await ended('&limit=1')
    const rest = await ended(`&limit=1&cursor=${first.next_cursor}`)
    expect([...first.sessions, ...rest.sessions].map((session) => [session.id, session.end_reason])).toEqual([
      [second.sessionId, 'logout'],
      [person.sessionId, 'ended_by_admin'],
    ])
    expect(rest.next_cursor).toBeNull()
    expect((await read(`/users/${person.id}/sessions`)).sessions).toEqual([])
    expect((await read(`/users/${unknown}/sessions?ended=true`)).code).toBe('account_unknown')
  })

  it('ends one session of the account in the path, and no session of another account', async () => {
    const person = await register(running)
    const here = await login(running, person.email)
    const end = async (id: string, session: string, { token } = admin) => {
      const { status, body } = await running.api.delete(`/v1/admin/users/${id}/sessions/${session}`, { token })
      return status === 204 ? 204 : body.code
    }
    expect(await end(admin.id, here.sessionId)).toBe('session_unknown')
    expect(await end(admin.id, admin.sessionId, person)).toBe('admin_required')
    expect(await end(person.id, here.sessionId)).toBe(204)
    expect(await end(person.id, here.sessionId)).toBe('session_unknown')
    expect(await tokenState(running, here.token)).toBe('session_ended')
    expect(await tokenState(running, person.token)).toBe(200)
    expect((await eventsOf(person.id))[0]).toBe('session_end')
  })

  it('shows which factors an account has, and no secret of them', async () => {
    const person = await register(running)
    const { app } = await addAuthenticator(running, person)
    const body = await read(`/users/${person.id}/factors`)
    expect(body).toMatchObject({ factors: [{ id: app.id, kind: 'totp' }], trusted_devices: [] })
    expect(Object.keys(body.factors[0] ?? {}).toSorted()).toEqual([
      'created_at',
      'exposed',
      'id',
      'kind',
      'last_used_at',
      'name',
    ])
    expect(body.recovery_codes_left).toBeGreaterThan(0)
    expect((await read(`/users/${unknown}/factors`)).code).toBe('account_unknown')
    expect((await read(`/users/${person.id}/factors`, person)).code).toBe('admin_required')
  })

  describe('a required new password', () => {
    const require = (id: string, by = admin) => send(`/users/${id}/require-new-password`, undefined, by)
    const codeOf = async (id: string, by = admin) => (await require(id, by)).body.code

    it('ends the old password and all sessions, until the owner has set a new one by the mailed link', async () => {
      const person = await registerVerified(running)
      expect((await require(person.id)).status).toBe(200)
      expect(await tokenState(running, person.token)).toBe('token_revoked')
      await expect(login(running, person.email)).rejects.toThrow('invalid_credentials')
      const { token } = await newestLetter(running, person.email, 'Reset your password')
      const reset = { token, new_password: 'another staple for the horse' }
      expect((await running.api.post('/v1/password/reset', { body: reset })).status).toBe(204)
      expect((await login(running, person.email, reset.new_password)).id).toBe(person.id)
      await expect(login(running, person.email, password)).rejects.toThrow('invalid_credentials')
      expect(await eventsOf(person.id)).toContain('password_require')
    })

    it('also ends a sign-in that has passed its first step with the old password', async () => {
      const person = await registerVerified(running)
      const { app } = await addAuthenticator(running, person)
      const first = await firstStep(running, person.email)
      await require(person.id)
      const { body } = await running.api.post('/v1/login/second-factor', {
        body: { challenge_token: first.body.challenge_token ?? '', code: app.nextCode() },
      })
      expect(body.code).toBe('challenge_invalid')
    })

    it('is refused where it could lock out its author, or where no letter can reach the owner', async () => {
      const person = await register(running)
      expect(await codeOf(person.id)).toBe('email_unverified')
      expect(await codeOf(person.id, person)).toBe('admin_required')
      expect(await codeOf(admin.id)).toBe('own_account')
      expect(await codeOf(unknown)).toBe('account_unknown')
      const disabled = await registerVerified(running)
      await send(`/users/${disabled.id}/disable`)
      expect(await codeOf(disabled.id)).toBe('account_disabled')
      expect(await tokenState(running, person.token)).toBe(200)
    })
  })
})
