import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { basic, form, type Machine, Machines, machineTokenState } from '../../support/machines.js'
import { login, register, tokenState } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

describe.each(databases)('revocation on %s', (database) => {
  let running: TestServer
  let machines: Machines

  beforeAll(async () => {
    running = await startServer({ database })
    machines = await Machines.with(running)
  })
  afterAll(() => running.stop())

  const revoke = async (token: string, by?: Machine) => {
    const { status, body } = await running.api.post('/oauth/revoke', form({ token }, by === undefined ? {} : basic(by)))
    return status === 200 ? 200 : body.code
  }
  const refreshState = async (refresh_token: string) => {
    const { status, body } = await running.api.post('/v1/refresh', { body: { refresh_token } })
    return status === 200 ? 200 : body.code
  }

  it.each(['token', 'refreshToken'] as const)('ends the session of a user by its %s, and no other', async (which) => {
    const person = await register(running)
    const elsewhere = await login(running, person.email)
    expect(await revoke(person[which])).toBe(200)
    expect(await tokenState(running, person.token)).toBe('session_ended')
    expect(await refreshState(person.refreshToken)).toBe('session_ended')
    expect(await tokenState(running, elsewhere.token)).toBe(200)
    expect(await revoke(person[which]), 'and again').toBe(200)
  })

  it('ends a session also by a refresh token that was used long ago', async () => {
    const { refreshToken, token } = await register(running)
    await refreshState(refreshToken)
    expect(await revoke(refreshToken)).toBe(200)
    expect(await tokenState(running, token)).toBe('session_ended')
  })

  it('answers 200 for an invalid token, and does nothing', async () => {
    const { token, refreshToken } = await register(running)
    const bytes = Buffer.from(refreshToken, 'base64url')
    bytes[51] = (bytes[51] ?? 0) ^ 1
    for (const dead of ['x', 'x.y.z', `${token.slice(0, -5)}AAAAA`, bytes.toString('base64url')]) {
      expect(await revoke(dead)).toBe(200)
    }
    expect(await tokenState(running, token)).toBe(200)
  })

  it('ends one token of a client at the request of that client, and no other', async () => {
    const machine = await machines.create()
    const [token, another] = [await machines.tokenOf(machine), await machines.tokenOf(machine)]
    expect(await revoke(token, machine)).toBe(200)
    expect(await machineTokenState(running, token)).toBe('session_ended')
    expect(await machineTokenState(running, another)).toBe(200)
  })

  it('does not end the token of a client at the request of another one', async () => {
    const [machine, other] = [await machines.create(), await machines.create()]
    const token = await machines.tokenOf(machine)
    expect(await revoke(token)).toBe('client_unauthenticated')
    expect(await revoke(token, other)).toBe('token_not_own')
    expect(await revoke(token, { ...machine, secret: 'x' })).toBe('client_unauthenticated')
    expect(await machineTokenState(running, token)).toBe(200)
  })

  it('refuses wrong client credentials, even where none are needed', async () => {
    const person = await register(running)
    expect(await revoke(person.token, { id: 'x', secret: 'y' })).toBe('client_unauthenticated')
    expect(await tokenState(running, person.token)).toBe(200)
    const machine = await machines.create()
    expect(await revoke(person.token, machine)).toBe(200)
    const { body } = await running.api.get(`/v1/admin/audit?account=${person.id}&event=token_revoke`, {
      token: machines.admin.token,
    })
    expect(body.entries).toMatchObject([{ actor: machine.id, session: person.sessionId, outcome: 'done' }])
  })

  it('is in one transaction with its audit entry', async () => {
    const { token } = await register(running)
    const { store } = running.server.service
    await store.query('alter table server_audit rename to server_audit_away')
    const { status } = await running.api.post('/oauth/revoke', form({ token }))
    await store.query('alter table server_audit_away rename to server_audit')
    expect([status, await tokenState(running, token)]).toEqual([503, 200])
  })

  it('needs a token', async () => {
    const { status, body } = await running.api.post('/oauth/revoke', form({}))
    expect([status, body.code, body.error]).toEqual([400, 'parameters_malformed', 'invalid_request'])
  })
})

describe('the metadata of the authorization server', () => {
  it('names its exact issuer, and endpoints that exist', async () => {
    const running = await startServer({ database: 'sqlite', configuration: { scopes: ['a', 'b'] } })
    const { body, headers } = await running.api.get('/.well-known/oauth-authorization-server')
    const metadata = body as unknown as Record<string, string>
    const { issuer } = running.configuration
    expect(headers.get('cache-control')).toContain('max-age')
    expect(metadata).toMatchObject({
      issuer,
      jwks_uri: `${issuer}/.well-known/jwks.json`,
      response_types_supported: [],
      scopes_supported: ['a', 'b'],
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'none'],
      introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    })
    for (const name of ['token_endpoint', 'introspection_endpoint', 'revocation_endpoint']) {
      const { status } = await running.api.post(metadata[name]?.replace(issuer, '') ?? '', form({}))
      expect([name, status === 400 || status === 401]).toEqual([name, true])
    }
    await running.stop()
  })

  it('is also at the path of RFC 8414 for an issuer with a path, and lists only declared scopes', async () => {
    const issuer = 'https://example.com/auth'
    const running = await startServer({ database: 'sqlite', configuration: { issuer } })
    const { body } = await running.api.get('/.well-known/oauth-authorization-server/auth')
    expect(body).toMatchObject({ issuer })
    expect(body).not.toHaveProperty('scopes_supported')
    await running.stop()
  })
})
