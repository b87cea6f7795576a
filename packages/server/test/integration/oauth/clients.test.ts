import { isLatchkeyError } from 'latchkey'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { basic, form, type Machine, Machines, machineTokenState } from '../../support/machines.js'
import { register } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

const daySec = 86_400

describe.each(databases)('clients on %s', (database) => {
  let running: TestServer
  let machines: Machines

  beforeAll(async () => {
    running = await startServer({ database })
    machines = await Machines.with(running)
  })
  afterAll(() => running.stop())

  const state = (token: string) => machineTokenState(running, token)
  const outcome = async (machine: Machine) => {
    const { status, body } = await machines.ask(machine)
    return status === 200 ? 200 : body.code
  }

  it('get access tokens of their own that the same middleware verifies', async () => {
    const machine = await machines.create({ scope: 'reports:read reports:write' })
    const { status, body, headers } = await machines.ask(machine)
    expect(status).toBe(200)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 900, scope: 'reports:read reports:write' })
    expect(body).not.toHaveProperty('refresh_token')
    const { subject, claims, grants, sessionId } = await running.server.service.latchkey.verify(body.access_token)
    expect([subject, claims.client_id]).toEqual([machine.id, machine.id])
    expect(grants).toEqual({ client: true, roles: [], scope: body.scope })
    expect(running.server.service.sessionIds.read(sessionId ?? '', machine.id)).toBeDefined()
    expect(claims).not.toHaveProperty('role')
  })

  it('can request fewer scopes than they have, and get no more', async () => {
    const machine = await machines.create({ scope: 'a b' })
    expect((await machines.ask(machine, { scope: 'b' })).body.scope).toBe('b')
    for (const scope of ['c', 'a c', 'a  b', ' a', '"', 'a\tb']) {
      const { status, body } = await machines.ask(machine, { scope })
      expect([scope, status, body.code, body.error]).toEqual([scope, 400, 'scope_refused', 'invalid_scope'])
    }
    const nothing = await machines.create()
    expect((await machines.ask(nothing)).body).not.toHaveProperty('scope')
  })

  it('authenticate with a secret that is shown once and not stored', async () => {
    const machine = await machines.create()
    expect(machine.secret).toMatch(/^lkcs_[\w-]{43}$/)
    const { rows } = await running.server.service.store.query('select * from server_client_secrets')
    expect(JSON.stringify(rows)).not.toContain(machine.secret.slice(5))
    const read = await machines.administer('GET', `/${machine.id}`)
    expect(JSON.stringify(read.body)).not.toContain(machine.secret.slice(5))
    const other = await machines.create()
    expect(await outcome({ id: other.id, secret: machine.secret })).toBe('client_unauthenticated')
  })

  it.each([
    [
      'a wrong secret',
      (machine: Machine) => form({ grant_type: 'client_credentials' }, basic({ ...machine, secret: 'x' })),
    ],
    [
      'an unknown client',
      ({ secret }: Machine) => form({ grant_type: 'client_credentials' }, basic({ id: 'x', secret })),
    ],
    ['no credentials', () => form({ grant_type: 'client_credentials' })],
    ['no secret', ({ id }: Machine) => form({ grant_type: 'client_credentials', client_id: id })],
    ['no ID', ({ secret }: Machine) => form({ grant_type: 'client_credentials', client_secret: secret })],
    ['an empty secret', ({ id }: Machine) => form({ grant_type: 'client_credentials' }, basic({ id, secret: '' }))],
    ['another scheme', () => form({ grant_type: 'client_credentials' }, { authorization: 'Bearer x' })],
    ['no base64', () => form({ grant_type: 'client_credentials' }, { authorization: 'Basic %%%' })],
    ['no colon', () => form({ grant_type: 'client_credentials' }, { authorization: `Basic ${btoa('x')}` })],
    ['a broken escape', () => form({ grant_type: 'client_credentials' }, { authorization: `Basic ${btoa('%zz:x')}` })],
    ['no UTF-8', () => form({ grant_type: 'client_credentials' }, { authorization: `Basic ${btoa('\xff:\xff')}` })],
  ])('get the same refusal, with a challenge, for %s', async (_what, call) => {
    const { status, body, headers } = await running.api.post('/oauth/token', call(await machines.create()))
    expect([status, body.code, body.error]).toEqual([401, 'client_unauthenticated', 'invalid_client'])
    expect(headers.get('www-authenticate')).toMatch(/^Basic realm="/)
  })

  it('send their secret in the header or in the form, never in both', async () => {
    const machine = await machines.create()
    const inForm = { client_id: machine.id, client_secret: machine.secret }
    const ask = async (parameters: Record<string, string>, headers = {}) => {
      const call = form({ grant_type: 'client_credentials', ...parameters }, headers)
      const { status, body } = await running.api.post('/oauth/token', call)
      return status === 200 ? 200 : `${body.code} ${body.error}`
    }
    expect(await ask(inForm)).toBe(200)
    expect(await ask({ client_id: machine.id }, basic(machine))).toBe(200)
    expect(await ask(inForm, basic(machine))).toBe('client_ambiguous invalid_request')
    expect(await ask({ client_id: 'another' }, basic(machine))).toBe('client_ambiguous invalid_request')
    expect(await ask({ client_secret: '' }, basic(machine))).toBe(200)
  })

  it('change their secret without an interruption: the old one is valid until its grace period ends', async () => {
    const machine = await machines.create()
    const { status, body } = await machines.administer('POST', `/${machine.id}/secrets`, { grace_period: daySec })
    const renewed = { id: machine.id, secret: body.client_secret }
    expect([status, body.secrets.length]).toEqual([200, 2])
    const token = await machines.tokenOf(machine)
    expect(await state(token)).toBe(200)
    expect(await outcome(renewed)).toBe(200)
    const again = await machines.administer('POST', `/${machine.id}/secrets`, {})
    expect([again.status, again.body.code]).toEqual([409, 'client_rotating'])
    running.clock.advance((daySec + 1) * 1000)
    machines = await Machines.with(running)
    expect(await outcome(machine)).toBe('client_unauthenticated')
    expect(await outcome(renewed)).toBe(200)
    expect((await machines.administer('GET', `/${machine.id}`)).body.secrets).toMatchObject([
      { retires_at: null, last_used_at: expect.any(String) },
    ])
  })

  it('lose every token that a leaked secret obtained when it is replaced without a grace period', async () => {
    const machine = await machines.create()
    await machines.administer('POST', `/${machine.id}/secrets`, {})
    const token = await machines.tokenOf(machine)
    const { body } = await machines.administer('POST', `/${machine.id}/secrets`, { grace_period: 0 })
    expect(await outcome(machine)).toBe('client_unauthenticated')
    expect(await state(token)).toBe('token_revoked')
    expect(await outcome({ id: machine.id, secret: body.client_secret })).toBe(200)
  })

  it('lose all their tokens when they are disabled, and can get new ones when they are enabled', async () => {
    const [machine, bystander] = [await machines.create(), await machines.create()]
    const [token, other] = [await machines.tokenOf(machine), await machines.tokenOf(bystander)]
    const disabled = await machines.administer('POST', `/${machine.id}/disable`)
    expect(disabled.body.disabled_at).toEqual(expect.any(String))
    expect(await state(token)).toBe('token_revoked')
    expect(await outcome(machine)).toBe('client_disabled')
    expect(await outcome({ ...machine, secret: 'x' })).toBe('client_unauthenticated')
    const rotated = await machines.administer('POST', `/${machine.id}/rotate`)
    expect([rotated.status, rotated.body.code, rotated.headers.get('www-authenticate')]).toEqual([
      409,
      'tenant_inactive',
      null,
    ])
    expect((await machines.administer('POST', `/${machine.id}/enable`)).body.disabled_at).toBe(null)
    expect(await outcome(machine)).toBe(200)
    expect(await state(token)).toBe('token_revoked')
    expect(await state(other)).toBe(200)
  })

  it('are disabled with their tokens or not at all', async () => {
    const machine = await machines.create()
    const token = await machines.tokenOf(machine)
    const { store } = running.server.service
    await store.query('alter table server_audit rename to server_audit_away')
    const failed = await machines.administer('POST', `/${machine.id}/disable`)
    await store.query('alter table server_audit_away rename to server_audit')
    expect(failed.status).toBe(503)
    expect(await state(token)).toBe(200)
    expect(await outcome(machine)).toBe(200)
  })

  it('are deleted with their secrets, tokens and tenant', async () => {
    const machine = await machines.create()
    const token = await machines.tokenOf(machine)
    expect((await machines.administer('DELETE', `/${machine.id}`)).status).toBe(204)
    expect(await outcome(machine)).toBe('client_unauthenticated')
    expect(await state(token)).toBe('token_revoked')
    expect(await running.server.service.keys.describe(machine.id)).toBeUndefined()
    for (const [method, path] of [
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/disable'],
    ] as const) {
      expect((await machines.administer(method, `/${machine.id}${path}`)).body.code).toBe('client_unknown')
    }
  })

  it('rotate and revoke like any tenant', async () => {
    const machine = await machines.create()
    const token = await machines.tokenOf(machine)
    await machines.administer('POST', `/${machine.id}/rotate`)
    expect(await state(token)).toBe(200)
    await machines.administer('POST', `/${machine.id}/revoke`)
    expect(await state(token)).toBe('token_revoked')
    expect(await outcome(machine)).toBe(200)
  })

  it('have new grants and lose removed ones at once, with their existing tokens', async () => {
    const machine = await machines.create({ scope: 'a b' })
    const token = await machines.tokenOf(machine)
    const narrow = await machines.tokenOf(machine, { scope: 'b' })
    const scopeOf = async (held: string) => (await running.server.service.latchkey.verify(held)).grants.scope
    const renamed = await machines.administer('PATCH', `/${machine.id}`, { name: 'another name' })
    expect([renamed.body.name, await state(token)]).toEqual(['another name', 200])
    expect([await scopeOf(token), await scopeOf(narrow)]).toEqual(['a b', 'b'])
    await machines.administer('PATCH', `/${machine.id}`, { scope: 'a c' })
    expect([await scopeOf(token), await scopeOf(narrow)]).toEqual(['a c', ''])
    expect((await machines.ask(machine)).body.scope).toBe('a c')
  })

  it('have no access to the routes of users and administrators', async () => {
    const token = await machines.tokenOf(await machines.create({ scope: 'admin' }))
    const tried = [
      ['GET', '/v1/me'],
      ['DELETE', '/v1/me'],
      ['GET', '/v1/me/sessions'],
      ['GET', '/v1/me/applications'],
      ['GET', '/v1/me/export'],
      ['POST', '/v1/logout'],
      ['POST', '/v1/logout-all'],
      ['GET', '/v1/admin/users'],
      ['GET', '/v1/admin/clients'],
    ] as const
    for (const [method, path] of tried) {
      const { status, body } = await running.api.call(method, path, { token })
      expect([path, status, body.code]).toEqual([path, 403, 'account_required'])
    }
    expect(await state(token)).toBe(200)
  })

  it('are created and read only by administrators', async () => {
    const { token } = await register(running)
    const made = await running.api.post('/v1/admin/clients', { token, body: { name: 'x' } })
    expect([made.status, made.body.code]).toEqual([403, 'admin_required'])
    expect((await running.api.get('/v1/admin/clients')).status).toBe(401)
  })

  it.each([
    {},
    { name: '' },
    { name: 'x', scope: 'a  b' },
    { name: 'x', scope: '"' },
    { name: 'x', scope: ['a'] },
    { name: 'x', id: 'mine' },
    { name: 'x', may_introspect: 'yes' },
  ])('cannot be created from %j', async (body) => {
    const { status, body: answer } = await machines.administer('POST', '', body)
    expect([status, answer.code]).toEqual([400, 'validation_failed'])
  })

  it('are listed page by page, oldest first', async () => {
    await machines.create()
    await machines.create()
    const ids: string[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const query: string = cursor === '' ? '' : `&cursor=${cursor}`
      const { body } = await machines.administer('GET', `?limit=2${query}`)
      ids.push(...body.clients.map(({ id }) => id))
      cursor = body.next_cursor
    }
    expect(ids.length).toBeGreaterThanOrEqual(2)
    expect(ids).toEqual(ids.toSorted())
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('are in the audit log, with changes to them and with their own acts', async () => {
    const machine = await machines.create()
    await machines.tokenOf(machine)
    await outcome({ ...machine, secret: 'wrong' })
    await machines.administer('POST', `/${machine.id}/secrets`, {})
    const path = `/v1/admin/audit?account=${machine.id}`
    const { body } = await running.api.get(path, { token: machines.admin.token })
    expect(body.entries.map(({ event, outcome: how, actor }) => [event, how, actor])).toEqual([
      ['client_secret_rotate', 'done', machines.admin.id],
      ['client_token', 'refused', null],
      ['client_token', 'done', machine.id],
      ['client_create', 'done', machines.admin.id],
    ])
  })

  it('get no token that is signed during their disabling, their deletion or the report of a leak', async () => {
    const ends = [
      (machine: Machine) => machines.administer('POST', `/${machine.id}/disable`),
      (machine: Machine) => machines.administer('DELETE', `/${machine.id}`),
      (machine: Machine) => machines.administer('POST', `/${machine.id}/secrets`, { grace_period: 0 }),
    ]
    for (const end of ends) {
      const machine = await machines.create()
      const asked = Array.from({ length: 8 }, () => machines.ask(machine))
      const [, ...answers] = await Promise.all([end(machine), ...asked])
      const tokens = answers.filter(({ status }) => status === 200).map(({ body }) => body.access_token)
      for (const token of tokens) expect(await state(token)).toMatch(/^t/)
      expect(answers.every(({ status }) => status < 500)).toBe(true)
    }
  })

  it('can exchange their tokens as users can', async () => {
    const machine = await machines.create({ scope: 'a' })
    const { status, body } = await running.api.post(
      '/oauth/token',
      form({
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: await machines.tokenOf(machine),
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      }),
    )
    expect(status).toBe(200)
    const claims = JSON.parse(Buffer.from(body.access_token.split('.')[1] ?? '', 'base64url').toString())
    expect(claims).toMatchObject({ sub: machine.id, client_id: machine.id, scope: 'a' })
  })

  it('get 503 while the database is unavailable, never a refusal of their credentials', async () => {
    const own = await startServer({ database })
    const ownMachines = await Machines.with(own)
    const machine = await ownMachines.create()
    await own.loseDatabase()
    const { status, body } = await ownMachines.ask(machine)
    expect(status).toBe(503)
    expect(body.error).toBe('temporarily_unavailable')
    await own.stop().catch((error: unknown) => {
      if (!isLatchkeyError(error)) throw error
    })
  })
})

describe('the limits of the token endpoint', () => {
  it('apply per client and address, and do not affect other clients', async () => {
    const limits = { token: { address: { requests: 100, windowSec: 60 }, pair: { requests: 2, windowSec: 60 } } }
    const { configuration, ...plain } = await startServer({ database: 'sqlite' })
    await plain.stop()
    const running = await startServer({
      database: 'sqlite',
      configuration: { limits: { ...configuration.limits, ...limits } },
    })
    const machines = await Machines.with(running)
    const [noisy, quiet] = [await machines.create(), await machines.create()]
    const statuses = []
    for (let count = 0; count < 3; count += 1) statuses.push((await machines.ask({ ...noisy, secret: 'x' })).status)
    expect(statuses).toEqual([401, 401, 429])
    expect((await machines.ask(quiet)).status).toBe(200)
    await running.stop()
  })
})
