import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConfiguration } from '../../../src/config/configuration.js'
import type { ProfileSchema } from '../../../src/config/settings.js'
import { newestLetter } from '../../support/letters.js'
import { form } from '../../support/machines.js'
import { createAdmin, type Person, password, register } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

const profileSchema = {
  type: 'object',
  properties: {
    theme: { type: 'string', enum: ['light', 'dark'] },
    locale: { type: 'string', maxLength: 2000 },
    plan: { type: 'string', readOnly: true },
    address: { type: 'object', properties: { city: { type: 'string' }, zip: { type: 'string' } } },
    site: { type: 'string', format: 'uri' },
  },
  additionalProperties: false,
} as const

describe.each(databases)('the profile of an account on %s', (database) => {
  let running: TestServer
  let admin: Person

  beforeAll(async () => {
    running = await startServer({
      database,
      configuration: { profileSchema, profileClaims: ['plan', 'locale'] },
    })
    admin = await createAdmin(running)
  })
  afterAll(() => running.stop())

  const patch = ({ token }: Pick<Person, 'token'>, body: unknown) =>
    running.api.patch('/v1/me/profile', { token, body })
  const patchAs = (id: string, body: unknown, token = admin.token) =>
    running.api.patch(`/v1/admin/users/${id}/profile`, { token, body })
  const read = async ({ token }: Person) => (await running.api.get('/v1/me', { token })).body.profile
  const claimsIn = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())

  it('is empty at first, and then contains the members that its owner merges into it', async () => {
    const person = await register(running)
    expect(await read(person)).toEqual({})
    await patch(person, { theme: 'dark', address: { city: 'Bern', zip: '3000' } })
    const { status, body } = await patch(person, { theme: null, locale: 'de', address: { zip: null } })
    expect([status, body.profile]).toEqual([200, { locale: 'de', address: { city: 'Bern' } }])
    expect(await read(person)).toEqual({ locale: 'de', address: { city: 'Bern' } })
    const { body: user } = await running.api.get(`/v1/admin/users/${person.id}`, { token: admin.token })
    expect(user.profile).toEqual(body.profile)
  })

  it('keeps concurrent changes of other members', async () => {
    const person = await register(running)
    await Promise.all([
      patch(person, { theme: 'dark' }),
      patch(person, { locale: 'de' }),
      patchAs(person.id, { plan: 'pro' }),
    ])
    expect(await read(person)).toEqual({ theme: 'dark', locale: 'de', plan: 'pro' })
  })

  it.each([
    ['an unknown member', { shoe: 43 }, 'profile/shoe'],
    ['the wrong type', { theme: 1 }, 'profile/theme'],
    ['another value than those listed', { theme: 'pink' }, 'profile/theme'],
    ['a nested member of the wrong type', { address: { zip: 3000 } }, 'profile/address/zip'],
    ['a text of another format', { site: 'no URL' }, 'profile/site'],
  ])('is refused with %s, and stays as it was', async (_, change, field) => {
    const person = await register(running)
    await patch(person, { theme: 'dark' })
    const { status, body } = await patch(person, change)
    expect([status, body.code]).toEqual([400, 'profile_invalid'])
    expect(body.errors.map((error) => error.field)).toContain(field)
    expect(JSON.stringify(body.errors)).not.toContain('pink')
    expect((await patchAs(person.id, change)).body.code).toBe('profile_invalid')
    expect(await read(person)).toEqual({ theme: 'dark' })
  })

  it('has members that only administrators can write', async () => {
    const person = await register(running)
    expect((await patchAs(person.id, { plan: 'pro' })).status).toBe(200)
    for (const plan of ['enterprise', null, 'pro']) {
      const { status, body } = await patch(person, { plan })
      expect([status, body.code]).toEqual([403, 'profile_protected'])
    }
    expect(await read(person)).toEqual({ plan: 'pro' })
    expect((await patchAs(person.id, { plan: 'x' }, person.token)).body.code).toBe('admin_required')
    expect((await patchAs('00000000-0000-7000-8000-000000000000', { plan: 'x' })).body.code).toBe('account_unknown')
    expect((await running.api.patch('/v1/me/profile', { body: {} })).body.code).toBe('credentials_missing')
  })

  it('adds the named members to access tokens from the next refresh on, and grants no right', async () => {
    const person = await register(running)
    expect(claimsIn(person.token)).not.toHaveProperty('plan')
    await patchAs(person.id, { plan: 'pro' })
    await patch(person, { theme: 'dark', locale: 'de' })
    const { body } = await running.api.post('/v1/refresh', { body: { refresh_token: person.refreshToken } })
    const claims = claimsIn(body.access_token)
    expect(claims).toMatchObject({ sub: person.id, plan: 'pro', locale: 'de' })
    expect(claims).not.toHaveProperty('theme')
    const auth = await running.server.service.latchkey.verify(body.access_token)
    expect([auth.grants.roles, auth.grants.scope]).toEqual([[], ''])
    // Other services receive rights, and nothing of the profile.
    const exchange = {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: body.access_token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    }
    const exchanged = await running.api.post('/oauth/token', form(exchange))
    expect(claimsIn(exchanged.body.access_token)).not.toHaveProperty('plan')
  })

  it('is bounded, and so are its claims', async () => {
    const person = await register(running)
    expect((await patch(person, { locale: 'x'.repeat(1100) })).body.code).toBe('profile_too_large')
    expect((await patch(person, { locale: '🔑'.repeat(300) })).body.code).toBe('profile_too_large')
    expect((await patch(person, { locale: 'x'.repeat(900) })).status).toBe(200)
    // The setting is newer than the profile, so its claims are too long: the login works without
    // them.
    const wide = await running.startAnother({ configuration: { profileClaims: ['address'] } })
    await patch(person, { locale: null, address: { city: 'x'.repeat(1500) } })
    const login = await wide.api.post('/v1/login', { body: { email: person.email, password } })
    expect(login.status).toBe(200)
    expect(claimsIn(login.body.access_token)).not.toHaveProperty('address')
    await wide.stop()
  })

  it('is emptied when the owner of the address takes the account over by mail', async () => {
    const person = await register(running)
    await patch(person, { theme: 'dark' })
    await patchAs(person.id, { plan: 'pro' })
    await running.api.post('/v1/password/forgot', { body: { email: person.email } })
    const { token } = await newestLetter(running, person.email, 'Reset your password')
    await running.api.post('/v1/password/reset', { body: { token, new_password: password } })
    const { body } = await running.api.get(`/v1/admin/users/${person.id}`, { token: admin.token })
    expect(body.profile).toEqual({ plan: 'pro' })
  })

  it('is deleted with the account, and its changes are in the audit log without their values', async () => {
    const person = await register(running)
    await patch(person, { locale: 'a-secret-of-mine' })
    await patchAs(person.id, { plan: 'pro' })
    const query = `/v1/admin/audit?account=${person.id}&event=profile_change`
    const { body } = await running.api.get(query, { token: admin.token })
    expect(body.entries.map(({ actor, session }) => [actor, session])).toEqual([
      [admin.id, admin.sessionId],
      [person.id, person.sessionId],
    ])
    await running.api.delete('/v1/me', { token: person.token, body: { password } })
    const { store } = running.server.service
    for (const table of ['server_accounts', 'server_audit']) {
      const { rows } = await store.query(`select * from ${table}`)
      expect(JSON.stringify(rows)).not.toContain('a-secret-of-mine')
    }
  })
})

describe('a profile without a schema', () => {
  let running: TestServer

  beforeAll(async () => {
    running = await startServer({ database: 'sqlite' })
  })
  afterAll(() => running.stop())

  const patch = (token: string, call: object) => running.api.patch('/v1/me/profile', { token, ...call })

  it('is any JSON object of at most 4 KiB that can be stored unchanged', async () => {
    const { token } = await register(running)
    const { body } = await patch(token, { body: { list: [1, null, { a: true }], constructor: 'x' } })
    expect(body.profile).toEqual({ list: [1, null, { a: true }], constructor: 'x' })
    const raw = (text: string) => ({ raw: text, headers: { 'content-type': 'application/json' } })
    expect((await patch(token, { body: { text: 'x'.repeat(4100) } })).body.code).toBe('profile_too_large')
    expect((await patch(token, raw('{"n":1e999}'))).body.code).toBe('profile_invalid')
    const deep = `{"a":${'['.repeat(30_000)}${']'.repeat(30_000)}}`
    expect((await patch(token, raw(deep))).body.code).toBe('profile_invalid')
    expect((await patch(token, raw('{"__proto__":{"role":"admin"}}'))).body.code).toBe('body_malformed')
    // As a claim it would be refused, and every sign-in of the account with it.
    for (const text of ['{"toJSON":1}', '{"address":[{"toJSON":1}]}']) {
      expect((await patch(token, raw(text))).body.code).toBe('profile_invalid')
    }
    for (const other of ['[]', '1', 'null', '"x"']) {
      expect((await patch(token, raw(other))).body.code).toBe('validation_failed')
    }
    expect((await running.api.get('/v1/me', { token })).body.profile).toEqual(body.profile)
  })
})

describe('the settings of profiles', () => {
  const codeOf = (start: () => Promise<unknown>) =>
    start().then(
      () => 'started',
      (error: { code: string }) => error.code,
    )
  const starting = (schema: ProfileSchema) => async () => {
    const running = await startServer({ database: 'sqlite', configuration: { profileSchema: schema } })
    await running.stop()
  }

  it.each([
    ['an unknown keyword', { type: 'object', propertees: {} }],
    ['an unknown format', { type: 'object', properties: { a: { type: 'string', format: 'e-mail' } } }],
    ['an unknown type', { type: 'objekt' }],
    ['a reference without a target', { $ref: 'https://example.com/schema.json' }],
    [
      'readOnly where it would not be enforced',
      { type: 'object', properties: { a: { type: 'object', properties: { b: { type: 'string', readOnly: true } } } } },
    ],
  ])('prevent the start with a schema with %s', async (_, schema) => {
    expect(await codeOf(starting(schema))).toBe('configuration_invalid')
  })

  it('prevent the start with claims that are reserved or not declared', () => {
    const schema = JSON.stringify(profileSchema)
    const problemsOf = (claims: string, text = schema) => {
      try {
        return readConfiguration({ LATCHKEY_PROFILE_SCHEMA: text, LATCHKEY_PROFILE_CLAIMS: claims }).profileClaims
      } catch (error) {
        return (error as { problems: { name: string }[] }).problems.map(({ name }) => name)
      }
    }
    expect(problemsOf('plan, locale')).toEqual(['plan', 'locale'])
    for (const name of [
      'sub',
      'roles',
      'scope',
      'Scope',
      'client_id',
      'email_verified',
      'sid',
      '__proto__',
      'shoe',
      '',
    ]) {
      const declared = JSON.stringify({ type: 'object', properties: name === 'shoe' ? {} : { [name]: {} } })
      expect([name, problemsOf(name === '' ? 'plan,' : name, declared)]).toEqual([name, ['LATCHKEY_PROFILE_CLAIMS']])
    }
    expect(problemsOf('plan', '')).toEqual(['LATCHKEY_PROFILE_CLAIMS'])
    for (const text of ['[]', 'null', '{', '"x"']) expect(problemsOf('plan', text)).toContain('LATCHKEY_PROFILE_SCHEMA')
  })
})
