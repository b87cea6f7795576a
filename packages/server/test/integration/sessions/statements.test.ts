import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freshEmail, password } from '../../support/people.js'
import { startServer, type TestServer } from '../../support/start-server.js'
import { Statements } from '../../support/statements.js'
import { addAuthenticator } from '../../support/totp-app.js'

const shortened = (text: string) => text.slice(0, 22)

/**
 * The statements that one request waits for on PostgreSQL. Each is a round trip, so that a change
 * of these numbers is a change of the time that the request takes.
 */
describe('the statements of a request on PostgreSQL', () => {
  let running: TestServer
  let statements: Statements

  beforeAll(async () => {
    running = await startServer({ database: 'postgres' })
    statements = Statements.start()
  })
  afterAll(async () => {
    statements.stop()
    await running.stop()
  })

  /** Sends a request in this process; returns its body and its statements. */
  const ask = async (method: 'GET' | 'POST', url: string, payload?: object, headers: Record<string, string> = {}) => {
    const { app } = running.server
    const { result, sent } = await statements.of(() =>
      app.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) }),
    )
    return { status: result.statusCode, body: result.json(), sent }
  }
  const register = async () => {
    const email = freshEmail()
    const { body } = await ask('POST', '/v1/register', { email, password })
    return { email, device: body.device_token, token: body.access_token, refreshToken: body.refresh_token }
  }

  it('are 7 for a login of a known device', async () => {
    const { email, device } = await register()
    const { status, sent } = await ask('POST', '/v1/login', { email, password }, { 'latchkey-device': device })
    expect(status).toBe(200)
    expect(sent.map((text) => text.slice(0, 31))).toEqual([
      'insert into server_rate_limits ',
      'select id, email, name, role, r',
      'select name, failures, misses, ',
      'update server_guess_lanes set f',
      'begin isolation level read comm',
      'with change_0 as (update server',
      'commit',
    ])
  })

  it('are as many for a wrong password from an unknown network as for an unknown address', async () => {
    const { email } = await register()
    const { app } = running.server
    const tries = [email, freshEmail()].map(async (tried, index) => {
      const payload = { email: tried, password: 'a wrong password' }
      const remoteAddress = `203.0.113.${index}`
      return statements.of(() => app.inject({ method: 'POST', url: '/v1/login', payload, remoteAddress }))
    })
    const [known, unknown] = await Promise.all(tries)
    expect(known?.result.statusCode).toBe(401)
    expect(known?.sent.map(shortened)).toEqual(unknown?.sent.map(shortened))
  })

  it('are the same for a wrong password whether or not the account has a second factor', async () => {
    const [without, withFactor] = [await register(), await register()]
    await addAuthenticator(running, withFactor)
    const { app } = running.server
    const sent = []
    for (const [index, { email }] of [without, withFactor].entries()) {
      const payload = { email, password: 'a wrong password' }
      const remoteAddress = `198.51.100.${index}`
      const answer = await statements.of(() => app.inject({ method: 'POST', url: '/v1/login', payload, remoteAddress }))
      expect(answer.result.statusCode).toBe(401)
      sent.push(answer.sent)
    }
    expect(sent[1]).toEqual(sent[0])
  })

  it('are 2 for a refresh: one read and one write', async () => {
    const { refreshToken } = await register()
    const { status, sent } = await ask('POST', '/v1/refresh', { refresh_token: refreshToken })
    expect(status).toBe(200)
    expect(sent.map(shortened)).toEqual(['select server_sessions', 'update server_sessions'])
  })

  // The account is not part of the change feed, so it is read for each request.
  it('are 1 for the own account: it is read, the token and the limits are not', async () => {
    const { token } = await register()
    const headers = { authorization: `Bearer ${token}` }
    await ask('GET', '/v1/me', undefined, headers)
    const { status, sent } = await ask('GET', '/v1/me', undefined, headers)
    expect(status).toBe(200)
    expect(sent.map((text) => text.slice(0, 16))).toEqual(['select id, email'])
  })

  it('are none for forward-auth', async () => {
    const { token } = await register()
    const headers = { authorization: `Bearer ${token}` }
    await ask('GET', '/v1/me', undefined, headers)
    const { app } = running.server
    const { result, sent } = await statements.of(() => app.inject({ url: '/v1/forward-auth', headers }))
    expect(result.statusCode).toBe(200)
    expect(sent).toEqual([])
  })
})
