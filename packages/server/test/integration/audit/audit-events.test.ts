import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tallyWindowMs } from '../../../src/audit/audit-tally.js'
import { form, Machines } from '../../support/machines.js'
import { createAdmin, freshEmail, type Person, password, register } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

const exchangeType = 'urn:ietf:params:oauth:grant-type:token-exchange'
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'

describe.each(databases)('the audit log on %s', (database) => {
  let running: TestServer
  let admin: Person

  beforeAll(async () => {
    running = await startServer({ database })
    admin = await createAdmin(running)
  })
  afterAll(() => running.stop())

  const read = async (query: string) =>
    (await running.api.get(`/v1/admin/audit?limit=100&${query}`, { token: admin.token })).body.entries
  const flush = () => running.server.service.audit.flush('all')

  it.each([
    ['password_change', 'POST', '/v1/me/password', { current_password: 'x', new_password: 'a different password' }],
    ['account_delete', 'DELETE', '/v1/me', { password: 'x' }],
    ['device_add', 'POST', '/v1/me/devices', { password: 'x' }],
    ['email_change_request', 'PATCH', '/v1/me', { password: 'x', email: 'other@example.com' }],
  ])('has guesses of the password with a stolen token: %s', async (event, method, path, body) => {
    const { id, sessionId, token } = await register(running)
    for (let guess = 0; guess < 3; guess += 1) await running.api.call(method, path, { token, body })
    await flush()
    const entries = await read(`account=${id}&event=${event}`)
    expect(entries.map(({ detail }) => detail?.count ?? 1)).toEqual([2, 1])
    for (const entry of entries) {
      expect(entry).toMatchObject({
        outcome: 'refused',
        actor: id,
        session: sessionId,
        detail: { reason: 'password_wrong' },
      })
    }
  })

  it('has delayed guesses, at a login and in a session, in a bounded number of entries', async () => {
    const { id, email, sessionId, token } = await register(running)
    for (let guess = 0; guess < 12; guess += 1) {
      await running.api.post('/v1/login', { body: { email, password: 'x' } })
      await running.api.post('/v1/me/devices', { token, body: { password: 'x' } })
    }
    await flush()
    const delayed = await read(`account=${id}&event=guess_delayed`)
    const counts = new Map(delayed.map(({ session, actor }) => [session, actor]))
    expect(counts).toEqual(
      new Map([
        [null, null],
        [sessionId, id],
      ]),
    )
    expect(delayed).toHaveLength(4)
  })

  it('has the admin routes that a signed-in account was refused, by route and without the values in the path', async () => {
    const { id, sessionId, token } = await register(running)
    for (let n = 0; n < 3; n += 1) await running.api.get('/v1/admin/users', { token })
    await running.api.post(`/v1/admin/users/${admin.id}/disable`, { token })
    await flush()
    const entries = await read(`account=${id}&event=admin_access`)
    expect(entries.map(({ detail }) => [detail?.method, detail?.route, detail?.count])).toEqual([
      ['GET', '/v1/admin/users', 2],
      ['POST', '/v1/admin/users/:id/disable', undefined],
      ['GET', '/v1/admin/users', undefined],
    ])
    const refusal = { outcome: 'refused', actor: id, session: sessionId, detail: { reason: 'admin_required' } }
    for (const entry of entries) expect(entry).toMatchObject(refusal)
  })

  it('has the admin routes that a client was refused', async () => {
    const machines = await Machines.with(running)
    const machine = await machines.create()
    const token = await machines.tokenOf(machine)
    expect((await running.api.get('/v1/admin/users', { token })).body.code).toBe('account_required')
    const [entry] = await read(`account=${machine.id}&event=admin_access`)
    expect(entry).toMatchObject({ outcome: 'refused', actor: machine.id, detail: { reason: 'account_required' } })
  })

  it('has the exchange of a token, done and refused', async () => {
    const { id, sessionId, token } = await register(running)
    const parameters = { grant_type: exchangeType, subject_token: token, subject_token_type: accessTokenType }
    expect((await running.api.post('/oauth/token', form(parameters))).status).toBe(200)
    await running.api.post('/oauth/token', form({ ...parameters, audience: 'unheard-of' }))
    const written = () => read(`account=${id}&event=token_exchange`)
    // The answers do not wait for the entries, and their order is not that of the requests.
    await expect.poll(async () => (await written()).length).toBe(2)
    const entries = await written()
    expect(entries.toSorted((one, other) => one.outcome.localeCompare(other.outcome))).toMatchObject([
      { outcome: 'done', session: sessionId, detail: { audience: running.configuration.serviceAudiences[0] } },
      { outcome: 'refused', session: sessionId, detail: { reason: 'audience_refused' } },
    ])
    expect(JSON.stringify(entries)).not.toContain('unheard-of')
  })

  it('has what a change of role, roles and scope granted, and the session of the administrator', async () => {
    const { id } = await register(running)
    const change = { role: 'admin', roles: ['editor'], scope: 'posts:write' }
    await running.api.patch(`/v1/admin/users/${id}`, { token: admin.token, body: change })
    const [entry] = await read(`account=${id}&event=role_change`)
    expect(entry).toMatchObject({
      actor: admin.id,
      session: admin.sessionId,
      detail: {
        before: { role: 'user', roles: '', scope: '' },
        after: { role: 'admin', roles: 'editor', scope: 'posts:write' },
      },
    })
  })

  it('has the grants of a client before and after a change, and guesses of its secret on every route', async () => {
    const machines = await Machines.with(running)
    const machine = await machines.create({ scope: 'a' })
    await machines.administer('PATCH', `/${machine.id}`, { scope: 'a b', may_introspect: true })
    const wrong = form({ client_id: machine.id, client_secret: 'wrong', token: 'x' })
    await running.api.post('/oauth/introspect', wrong)
    await running.api.post('/oauth/revoke', wrong)
    await machines.ask(machine, { scope: 'c' })
    await flush()
    const entries = await read(`account=${machine.id}`)
    expect(entries.map(({ event, outcome, detail }) => [event, outcome, detail?.reason, detail?.count])).toEqual([
      ['client_authenticate', 'refused', 'client_unauthenticated', 1],
      ['client_token', 'refused', 'scope_refused', undefined],
      ['client_authenticate', 'refused', 'client_unauthenticated', undefined],
      ['client_change', 'done', undefined, undefined],
      ['client_create', 'done', undefined, undefined],
    ])
    expect(entries.find(({ event }) => event === 'client_change')).toMatchObject({
      session: machines.admin.sessionId,
      detail: { before: { scope: 'a', may_introspect: false }, after: { scope: 'a b', may_introspect: true } },
    })
  })

  it('has one entry for refusals that name no account, and their number at the end of the period', async () => {
    await flush()
    const before = (await read('event=client_token&outcome=refused')).length
    const refused = () =>
      running.api.post('/oauth/token', form({ grant_type: 'client_credentials', client_id: 'x', client_secret: 'x' }))
    for (let n = 0; n < 20; n += 1) await refused()
    expect((await read('event=client_token&outcome=refused')).length).toBe(before + 1)
    running.clock.advance(tallyWindowMs)
    await running.server.service.audit.flush()
    const other = await createAdmin(running)
    const path = '/v1/admin/audit?event=client_token&outcome=refused'
    const { body } = await running.api.get(path, { token: other.token })
    expect(body.entries[0]).toMatchObject({ account: null, address: '127.0.0.1', detail: { count: 19 } })
    await running.server.service.auditChain.seal()
    expect(await running.server.service.auditChain.verify()).toMatchObject({ unsealed: 0, findings: [] })
  })

  it('counts entries that cannot be written, and writes them later', async () => {
    const { store, audit } = running.server.service
    await flush()
    await store.query('alter table server_audit rename to server_audit_away')
    const { status } = await running.api.post('/v1/login', { body: { email: freshEmail(), password } })
    const failed = await audit.flush('all').then(
      () => false,
      () => true,
    )
    await store.query('alter table server_audit_away rename to server_audit')
    expect([status, failed]).toEqual([401, true])
    await audit.flush()
    const { rows } = await store.query<{ detail: string }>(
      `select detail from server_audit where event = 'login' and account_id is null order by id desc limit 1`,
    )
    expect(JSON.parse(rows[0]?.detail ?? '{}')).toMatchObject({ reason: 'invalid_credentials', count: 1 })
  })
})

describe.each(databases)('a server on %s that stops', (database) => {
  it('writes its counted entries, and links them', async () => {
    const running = await startServer({ database })
    const second = await running.startAnother()
    for (let n = 0; n < 5; n += 1) await second.api.post('/v1/login', { body: { email: freshEmail(), password } })
    await second.stop()
    const { store, auditChain } = running.server.service
    const { rows } = await store.query<{ detail: string }>('select detail from server_audit order by id')
    expect(rows.map(({ detail }) => JSON.parse(detail).count)).toEqual([undefined, 4])
    expect(await auditChain.verify()).toMatchObject({ entries: 2, unsealed: 0, findings: [] })
    await running.stop()
  })
})
