import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { basic, form, type Machine, Machines } from '../../support/machines.js'
import { login, password, register } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

describe.each(databases)('introspection on %s', (database) => {
  let running: TestServer
  let machines: Machines
  let asker: Machine

  beforeAll(async () => {
    running = await startServer({ database })
    machines = await Machines.with(running)
    asker = await machines.create({ may_introspect: true })
  })
  afterAll(() => running.stop())

  const ask = (token: string, by = asker) => running.api.post('/oauth/introspect', form({ token }, basic(by)))
  const isActive = async (token: string) => {
    const { status, body } = await ask(token)
    // An answer about an inactive token has no other member.
    if (status === 200 && !body.active) expect(body).toEqual({ active: false })
    return status === 200 ? body.active : body.code
  }

  it('returns the claims of the access token of a user', async () => {
    const { token, id, sessionId } = await register(running)
    const { status, body, headers } = await ask(token)
    expect([status, headers.get('cache-control')]).toEqual([200, 'no-store'])
    const { issuer, audience } = running.configuration
    expect(body).toMatchObject({
      active: true,
      token_type: 'Bearer',
      iss: issuer,
      aud: audience,
      sub: id,
      sid: sessionId,
      role: 'user',
    })
    expect(body.exp - body.iat).toBe(900)
    expect(body).not.toHaveProperty('client_id')
  })

  it('returns the claims of the access token of a client', async () => {
    const machine = await machines.create({ scope: 'a b' })
    const { body } = await ask(await machines.tokenOf(machine, { scope: 'a' }))
    expect(body).toMatchObject({ active: true, sub: machine.id, client_id: machine.id, scope: 'a' })
  })

  it('returns the session of a refresh token, and does not use the token up', async () => {
    const { id, sessionId, refreshToken } = await register(running)
    for (let count = 0; count < 3; count += 1) {
      const { body } = await ask(refreshToken)
      expect(body).toMatchObject({ active: true, iss: running.configuration.issuer, sub: id, sid: sessionId })
      expect(body).not.toHaveProperty('token_type')
    }
    const refreshed = await running.api.post('/v1/refresh', { body: { refresh_token: refreshToken } })
    expect(refreshed.status).toBe(200)
    expect(await isActive(refreshToken), 'it can be used until its successor is').toBe(true)
    const successor = { refresh_token: refreshed.body.refresh_token }
    expect((await running.api.post('/v1/refresh', { body: successor })).status).toBe(200)
    expect(await isActive(refreshToken)).toBe(false)
    expect(await isActive(successor.refresh_token), 'asking about an old one ends nothing').toBe(true)
  })

  it('returns that a token is inactive, without the reason', async () => {
    const revoked = await register(running)
    await running.api.post('/v1/logout-all', { token: revoked.token })
    const ended = await register(running)
    await running.api.post('/v1/logout', { token: ended.token })
    const deleted = await register(running)
    await running.api.delete('/v1/me', { token: deleted.token, body: { password } })
    const { token } = await register(running)
    const dead = [
      revoked.token,
      revoked.refreshToken,
      ended.token,
      ended.refreshToken,
      deleted.token,
      deleted.refreshToken,
      `${token.slice(0, -5)}AAAAA`,
      'x',
      'x.y.z',
      'é',
      '🔑',
      'x'.repeat(60_000),
      `${'x'.repeat(30_000)}.${'x'.repeat(20_000)}.x`,
    ]
    for (const each of dead) expect([each.slice(0, 20), await isActive(each)]).toEqual([each.slice(0, 20), false])
    expect(await isActive(token)).toBe(true)
    const expired = await login(running, (await register(running)).email)
    running.clock.advance(906_000)
    expect(await isActive(expired.token)).toBe(false)
    running.clock.advance(2_592_000_000)
    machines = await Machines.with(running)
    expect(await isActive(expired.refreshToken)).toBe(false)
  })

  it('is only for clients with the right to introspect', async () => {
    const { token } = await register(running)
    const other = await machines.create()
    const refused = await ask(token, other)
    expect([refused.status, refused.body.code, refused.body.error]).toEqual([
      403,
      'introspection_refused',
      'unauthorized_client',
    ])
    const anonymous = await running.api.post('/oauth/introspect', form({ token }))
    expect([anonymous.status, anonymous.body.code]).toEqual([401, 'client_unauthenticated'])
    expect(anonymous.headers.get('www-authenticate')).toMatch(/^Basic /)
    const bearer = await running.api.post('/oauth/introspect', form({ token }, { authorization: `Bearer ${token}` }))
    expect(bearer.body.code).toBe('client_unauthenticated')
    await machines.administer('PATCH', `/${other.id}`, { may_introspect: true })
    expect((await ask(token, other)).body.active).toBe(true)
    await machines.administer('POST', `/${other.id}/disable`)
    expect((await ask(token, other)).body.code).toBe('client_disabled')
  })

  it('accepts one token, in a form', async () => {
    const without = await running.api.post('/oauth/introspect', form({}, basic(asker)))
    expect([without.status, without.body.error]).toEqual([400, 'invalid_request'])
    const twice = await running.api.post('/oauth/introspect', form('token=a&token=b', basic(asker)))
    expect([twice.status, twice.body.code]).toEqual([400, 'parameters_malformed'])
    const json = await running.api.post('/oauth/introspect', { body: { token: 'x' }, headers: basic(asker) })
    expect(json.status).toBe(415)
    const hint = await running.api.post('/oauth/introspect', form({ token: 'x', token_type_hint: 'y' }, basic(asker)))
    expect(hint.body).toEqual({ active: false })
  })

  it('answers 503, not "inactive", when a token cannot be checked', async () => {
    const own = await startServer({ database })
    const ownMachines = await Machines.with(own)
    const by = await ownMachines.create({ may_introspect: true })
    const { token, refreshToken } = await register(own)
    const { store } = own.server.service
    const tables = ['server_sessions', 'latchkey_secrets', 'latchkey_tenants']
    const another = await own.startAnother()
    for (const table of tables) await store.query(`alter table ${table} rename to ${table}_away`)
    const answers = [token, refreshToken].map((each) =>
      another.api.post('/oauth/introspect', form({ token: each }, basic(by))),
    )
    for (const { status, body } of await Promise.all(answers)) {
      expect(status).toBeGreaterThanOrEqual(500)
      expect(body).not.toHaveProperty('active')
    }
    for (const table of tables) await store.query(`alter table ${table}_away rename to ${table}`)
    await own.loseDatabase()
    const lost = await own.api.post('/oauth/introspect', form({ token }, basic(by)))
    expect(lost.status).toBe(503)
    await another.stop().catch(() => {})
    await own.stop().catch(() => {})
  })

  it('is counted by outcome', async () => {
    const count = async (outcome: string) => {
      const { values } = await running.server.service.metrics.introspections.get()
      return values.find(({ labels }) => labels.outcome === outcome)?.value ?? 0
    }
    const before = [await count('inactive'), await count('client_unauthenticated')]
    await ask('x')
    await ask('x', { ...asker, secret: 'x' })
    const after = [await count('inactive'), await count('client_unauthenticated')]
    expect(after.map((value, at) => value - (before[at] ?? 0))).toEqual([1, 1])
  })
})
