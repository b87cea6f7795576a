import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAdmin, freshEmail, login, type Person, password, register, tokenState } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

describe.each(databases)('administration on %s', (database) => {
  let running: TestServer
  let admin: Person

  beforeAll(async () => {
    running = await startServer({ database })
    admin = await createAdmin(running)
  })
  afterAll(() => running.stop())

  const act = (action: string, { id }: { id: string }, token = admin.token) =>
    running.api.post(`/v1/admin/users/${id}/${action}`, { token })

  const refreshCode = async ({ refreshToken }: Person) =>
    (await running.api.post('/v1/refresh', { body: { refresh_token: refreshToken } })).body.code

  it('is refused to everyone else, route by route', async () => {
    const person = await register(running)
    const routes = [
      ['GET', '/v1/admin/users'],
      ['GET', `/v1/admin/users/${admin.id}`],
      ['PATCH', `/v1/admin/users/${person.id}`],
      ['DELETE', `/v1/admin/users/${admin.id}`],
      ['POST', `/v1/admin/users/${admin.id}/disable`],
      ['POST', `/v1/admin/users/${admin.id}/enable`],
      ['POST', `/v1/admin/users/${admin.id}/rotate`],
      ['POST', `/v1/admin/users/${admin.id}/revoke`],
      ['GET', `/v1/admin/users/${admin.id}/secrets`],
      ['GET', `/v1/admin/users/${admin.id}/sessions`],
      ['DELETE', `/v1/admin/users/${admin.id}/sessions/${admin.sessionId}`],
      ['GET', `/v1/admin/users/${admin.id}/factors`],
      ['POST', `/v1/admin/users/${admin.id}/require-new-password`],
      ['GET', '/v1/admin/audit'],
    ] as const
    for (const [method, path] of routes) {
      const body = method === 'PATCH' ? { body: { role: 'admin' } } : {}
      const user = await running.api.call(method, path, { token: person.token, ...body })
      expect([method, path, user.status, user.body.code]).toEqual([method, path, 403, 'admin_required'])
      const anonymous = await running.api.call(method, path, body)
      expect([method, path, anonymous.status, anonymous.body.code]).toEqual([method, path, 401, 'credentials_missing'])
    }
  })

  it('depends on the role of the account, not only on the role in the token', async () => {
    const former = await createAdmin(running)
    // Changes only the row: the token still has the role "admin".
    await running.server.service.store.query(`update server_accounts set role = 'user' where id = $1`, [former.id])
    const answer = await running.api.get('/v1/admin/users', { token: former.token })
    expect(answer.body.code).toBe('admin_required')
  })

  describe('the list of accounts', () => {
    it('finds accounts by a part of the address or name in any case, and takes wildcards literally', async () => {
      const mark = crypto.randomUUID().slice(0, 8)
      const people: Person[] = []
      for (const name of ['percent%sign', 'under_score', 'back\\slash']) {
        const person = await register(running, `${mark}-${people.length}@example.com`)
        await running.api.patch('/v1/me', { token: person.token, body: { name } })
        people.push(person)
      }
      const search = async (text: string) => {
        const path = `/v1/admin/users?search=${encodeURIComponent(text)}`
        const { body } = await running.api.get(path, { token: admin.token })
        return body.users.map(({ id }) => id)
      }
      const [percent, under, back] = people.map(({ id }) => id)
      expect(await search(mark.toUpperCase())).toEqual([percent, under, back])
      expect(await search('PERCENT%')).toEqual([percent])
      expect(await search('r_s')).toEqual([under])
      expect(await search('k\\s')).toEqual([back])
      expect(await search(`${mark}%example`)).toEqual([])
    })

    it('returns every account once, page by page, while others register', async () => {
      const mark = crypto.randomUUID().slice(0, 8)
      const made: string[] = []
      for (let i = 0; i < 7; i += 1) made.push((await register(running, `${mark}-${i}@example.com`)).id)
      const seen: string[] = []
      let cursor: string | null = null
      do {
        const after: string = cursor === null ? '' : `&cursor=${cursor}`
        const path = `/v1/admin/users?search=${mark}&limit=3${after}`
        const { body } = await running.api.get(path, { token: admin.token })
        seen.push(...body.users.map(({ id }) => id))
        cursor = body.next_cursor
        await register(running)
      } while (cursor !== null)
      expect(seen).toEqual(made)
    })

    it.each(['limit=0', 'limit=101', 'limit=ten', 'limit=1.5', 'cursor=x', 'unknown=1', 'limit=1&limit=2'])(
      'refuses ?%s',
      async (query) => {
        const { status, body } = await running.api.get(`/v1/admin/users?${query}`, { token: admin.token })
        expect([status, body.code]).toEqual([400, 'validation_failed'])
      },
    )
  })

  it('returns one account, or 404 for an unknown ID', async () => {
    const person = await register(running)
    const { body } = await running.api.get(`/v1/admin/users/${person.id}`, { token: admin.token })
    expect(body).toMatchObject({ id: person.id, email: person.email, disabled_at: null })
    const unknown = crypto.randomUUID()
    for (const [method, suffix] of [
      ['GET', ''],
      ['DELETE', ''],
      ['GET', '/sessions'],
      ['GET', '/secrets'],
      ['POST', '/disable'],
      ['POST', '/enable'],
      ['POST', '/rotate'],
      ['POST', '/revoke'],
    ] as const) {
      const answer = await running.api.call(method, `/v1/admin/users/${unknown}${suffix}`, { token: admin.token })
      expect([method, suffix, answer.status, answer.body.code]).toEqual([method, suffix, 404, 'account_unknown'])
    }
  })

  it('disables an account, which ends its tokens and sessions and refuses logins, and enables it, after which only logins work again', async () => {
    const person = await register(running)
    expect((await act('disable', person)).body.disabled_at).not.toBeNull()
    expect((await act('disable', person)).status).toBe(200)
    expect(await tokenState(running, person.token)).toBe('token_revoked')
    expect(await refreshCode(person)).toBe('tenant_disabled')
    await expect(login(running, person.email)).rejects.toThrow('account_disabled')
    expect((await act('enable', person)).body.disabled_at).toBeNull()
    expect(await tokenState(running, person.token)).toBe('token_revoked')
    expect(await refreshCode(person)).toBe('session_ended')
    expect(await tokenState(running, (await login(running, person.email)).token)).toBe(200)
  })

  it('rotates a secret: old and new tokens are valid until the grace period of the old secret ends', async () => {
    const person = await register(running)
    expect((await act('rotate', person)).status).toBe(200)
    const after = await login(running, person.email)
    expect(await tokenState(running, person.token)).toBe(200)
    expect(await tokenState(running, after.token)).toBe(200)
    const { body } = await running.api.get(`/v1/admin/users/${person.id}/secrets`, { token: admin.token })
    expect(body.secrets.map(({ retires_at }) => retires_at === null).toSorted()).toEqual([false, true])
  })

  it('shows versions and dates of a secret and no key material', async () => {
    const person = await register(running)
    const { body } = await running.api.get(`/v1/admin/users/${person.id}/secrets`, { token: admin.token })
    expect(Object.keys(body.secrets[0] ?? {}).toSorted()).toEqual(
      ['kid', 'generation', 'algorithm', 'master_key_id', 'created_at', 'retires_at'].toSorted(),
    )
  })

  it('revokes all tokens and sessions of one account, and none of another', async () => {
    const [person, other] = [await register(running), await register(running)]
    const second = await login(running, person.email)
    expect((await act('revoke', person)).status).toBe(200)
    for (const dead of [person, second]) {
      expect(await tokenState(running, dead.token)).toBe('token_revoked')
      expect(await refreshCode(dead)).toBe('session_ended')
    }
    expect(await tokenState(running, other.token)).toBe(200)
    expect(await refreshCode(other)).toBeUndefined()
  })

  it('changes a role: old tokens get an answer that asks for a refresh, and new tokens have the new role', async () => {
    const person = await register(running)
    const change = (role: string) =>
      running.api.patch(`/v1/admin/users/${person.id}`, { token: admin.token, body: { role } })
    const administers = async () => (await running.api.get('/v1/admin/users', { token: person.token })).body.code ?? 200
    expect(await administers()).toBe('admin_required')
    expect((await change('admin')).body.role).toBe('admin')
    expect(await administers()).toBe(200)
    await change('user')
    expect(await administers()).toBe('admin_required')
    expect(await tokenState(running, person.token)).toBe(200)
  })

  describe('the grants of an account', () => {
    const change = (person: { id: string }, body: object) =>
      running.api.patch(`/v1/admin/users/${person.id}`, { token: admin.token, body })

    const verify = async (token: string) => running.server.service.latchkey.verify(token)

    it('apply at once to existing tokens, are in no token, and are visible to their owner', async () => {
      const person = await register(running)
      expect((await verify(person.token)).grants).toEqual({ roles: [], scope: '' })
      const granted = { roles: ['editor', 'reviewer'], scope: 'articles:read articles:write' }
      expect((await change(person, granted)).body).toMatchObject({ role: 'user', ...granted })
      expect((await verify(person.token)).grants).toEqual(granted)
      expect((await running.api.get('/v1/me', { token: person.token })).body).toMatchObject(granted)
      expect((await change(person, { scope: 'articles:read' })).body).toMatchObject({
        ...granted,
        scope: 'articles:read',
      })
      expect((await verify(person.token)).grants).toEqual({ ...granted, scope: 'articles:read' })
      const { token } = await login(running, person.email)
      for (const name of ['role', 'roles', 'scope']) expect((await verify(token)).claims).not.toHaveProperty(name)
      expect((await change(person, { roles: [], scope: '' })).body).toMatchObject({ roles: [], scope: '' })
      for (const old of [token, person.token]) expect((await verify(old)).grants).toEqual({ roles: [], scope: '' })
    })

    it('are in exchanged tokens for other services', async () => {
      const person = await register(running)
      await change(person, { roles: ['editor'], scope: 'a b' })
      const { token } = await login(running, person.email)
      const type = 'urn:ietf:params:oauth:token-type:access_token'
      const form = { grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange', subject_token_type: type }
      const raw = new URLSearchParams({ ...form, subject_token: token }).toString()
      const headers = { 'content-type': 'application/x-www-form-urlencoded' }
      const { body } = await running.api.post('/oauth/token', { raw, headers })
      const payload = Buffer.from(body.access_token.split('.')[1] ?? '', 'base64url').toString()
      expect(JSON.parse(payload)).toMatchObject({ role: 'user', roles: ['editor'], scope: 'a b' })
    })

    it('can be changed by an administrator for the own account, except for the role', async () => {
      const other = await createAdmin(running)
      const own = { token: other.token, body: { scope: 'a' } }
      expect((await running.api.patch(`/v1/admin/users/${other.id}`, own)).status).toBe(200)
    })

    it('have at most 1 KiB in all, and stay unchanged when a change exceeds it', async () => {
      const person = await register(running)
      const roles = Array.from({ length: 16 }, (_, index) => String(index).padStart(56, '~'))
      expect((await change(person, { roles })).status).toBe(200)
      const refused = await change(person, { scope: 'x'.repeat(1000) })
      expect([refused.status, refused.body.code]).toEqual([400, 'grants_too_large'])
      expect((await running.api.get('/v1/me', { token: person.token })).body).toMatchObject({ roles, scope: '' })
      expect((await verify(person.token)).grants).toEqual({ roles, scope: '' })
    })

    it.each([
      {},
      { roles: 'editor' },
      { roles: [''] },
      { roles: ['a b'] },
      { roles: ['a"'] },
      { roles: ['a\\b'] },
      { roles: ['é'] },
      { roles: ['a', 'a'] },
      { roles: ['x'.repeat(65)] },
      { roles: Array.from({ length: 17 }, (_, index) => `r${index}`) },
      { scope: ['a'] },
      { scope: ' a' },
      { scope: 'a ' },
      { scope: 'a  b' },
      { scope: 'a\tb' },
      { scope: 'a\nb' },
      { scope: 'a"' },
      { scope: 'x'.repeat(1025) },
      { role: 'editor' },
      { role: null },
    ])('cannot be %j', async (body) => {
      const answer = await change(admin, body)
      expect([answer.status, answer.body.code]).toEqual([400, 'validation_failed'])
    })
  })

  it('deletes an account with all its data', async () => {
    const person = await register(running)
    const answer = await running.api.delete(`/v1/admin/users/${person.id}`, { token: admin.token })
    expect(answer.status).toBe(204)
    expect(await tokenState(running, person.token)).toBe('token_revoked')
    expect(await refreshCode(person)).toBe('refresh_token_invalid')
    await expect(login(running, person.email)).rejects.toThrow('invalid_credentials')
    expect(await running.server.service.keys.describe(person.id)).toBeUndefined()
  })

  it('does not let administrators lock themselves out', async () => {
    const answers = [
      await act('disable', admin),
      await running.api.delete(`/v1/admin/users/${admin.id}`, { token: admin.token }),
      await running.api.patch(`/v1/admin/users/${admin.id}`, { token: admin.token, body: { role: 'user' } }),
    ]
    for (const { status, body } of answers) expect([status, body.code]).toEqual([409, 'own_account'])
  })

  it('lists the sessions of any account', async () => {
    const person = await register(running)
    const { body } = await running.api.get(`/v1/admin/users/${person.id}/sessions`, { token: admin.token })
    expect(body.sessions).toMatchObject([{ id: person.sessionId, current: false }])
  })

  describe('the audit log', () => {
    const read = async (query: string) =>
      (await running.api.get(`/v1/admin/audit?${query}`, { token: admin.token })).body

    it('lists actor, event and subject, newest first, page by page', async () => {
      const person = await register(running)
      await act('rotate', person)
      await act('revoke', person)
      await login(running, person.email)
      const first = await read(`account=${person.id}&limit=3`)
      expect(first.entries.map(({ event, actor }) => [event, actor])).toEqual([
        ['login', person.id],
        ['secret_revoke', admin.id],
        ['secret_rotate', admin.id],
      ])
      const second = await read(`account=${person.id}&limit=3&cursor=${first.next_cursor}`)
      expect(second.entries.map(({ event }) => event)).toEqual(['register'])
      expect(second.next_cursor).toBeNull()
    })

    it('returns only the entries that match the filters', async () => {
      const person = await register(running)
      const other = await login(running, person.email)
      await act('rotate', person)
      await running.api.post('/v1/login', { body: { email: person.email, password: 'not the right password' } })
      const found = async (query: string) =>
        (await read(`account=${person.id}&${query}`)).entries
          .map(({ event, outcome }) => `${event} ${outcome}`)
          .toSorted()
      expect(await found('event=login')).toEqual(['login done', 'login refused'])
      expect(await found('event=login&outcome=refused')).toEqual(['login refused'])
      expect(await found(`actor=${admin.id}`)).toEqual(['secret_rotate done'])
      expect(await found('actor=cli')).toEqual([])
      expect(await found(`session=${other.sessionId}`)).toEqual(['login done'])
      expect(await found('address=192.0.2.1')).toEqual([])
      expect(await found('address=127.0.0.1')).toHaveLength(4)
      const { entries } = await read(`account=${person.id}&event=register`)
      const registeredAt = Date.parse(entries[0]?.at ?? '')
      const at = (ms: number) => encodeURIComponent(new Date(ms).toISOString())
      expect(await found(`until=${at(registeredAt)}`)).toEqual([])
      expect(await found(`since=${at(registeredAt)}&until=${at(registeredAt + 1)}`)).toContain('register done')
      expect(await found(`since=${at(registeredAt + 1)}&event=register`)).toEqual([])
    })

    it.each([
      'event=birth',
      'outcome=maybe',
      'session=x',
      'since=yesterday',
      'until=2026-01-01',
      'since=2026-12-31T23:59:60Z',
    ])('refuses ?%s', async (query) => {
      const { status, body } = await running.api.get(`/v1/admin/audit?${query}`, { token: admin.token })
      expect([status, body.code]).toEqual([400, 'validation_failed'])
    })

    it('has refused logins, of unknown addresses too, and nothing of the input', async () => {
      // Earlier refusals belong to an earlier entry.
      await running.server.service.audit.flush('all')
      const { id, email } = await register(running)
      const unknownEmail = freshEmail()
      for (const address of [email, unknownEmail]) {
        await running.api.post('/v1/login', { body: { email: address, password: 'not the right password' } })
      }
      const { entries } = await read('limit=2')
      expect(entries.map(({ event, outcome, account }) => [event, outcome, account])).toEqual([
        ['login', 'refused', null],
        ['login', 'refused', id],
      ])
      expect(JSON.stringify(entries)).not.toContain(unknownEmail)
    })
  })

  it('can be granted by the operator to an existing account whose password the operator knows', async () => {
    const { adminCreation } = running.server.service
    const person = await register(running)
    await expect(
      adminCreation.createAdmin({ email: person.email, password: 'a wrong password' }),
    ).rejects.toMatchObject({
      code: 'password_wrong',
    })
    expect(await adminCreation.createAdmin({ email: person.email, password })).toMatchObject({
      created: false,
      account: { id: person.id, role: 'admin' },
    })
    expect((await running.api.get('/v1/admin/users', { token: person.token })).status).toBe(200)
  })
})
