import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { register, tokenState } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

const grant_type = 'urn:ietf:params:oauth:grant-type:token-exchange'
const subject_token_type = 'urn:ietf:params:oauth:token-type:access_token'

describe.each(databases)('token exchange on %s', (database) => {
  let running: TestServer

  beforeAll(async () => {
    running = await startServer({ database, configuration: { serviceAudiences: ['billing', 'mail'] } })
  })
  afterAll(() => running.stop())

  const exchange = (form: Record<string, string> | string) =>
    running.api.post('/oauth/token', {
      raw: new URLSearchParams(form).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })

  const keySet = async () => {
    const { body, headers } = await running.api.get('/.well-known/jwks.json')
    expect(headers.get('cache-control')).toContain('max-age')
    return createLocalJWKSet(body as unknown as JSONWebKeySet)
  }

  it('returns a token that any service can verify with the published keys', async () => {
    const person = await register(running)
    const { status, body, headers } = await exchange({ grant_type, subject_token: person.token, subject_token_type })
    expect(status).toBe(200)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(body).toMatchObject({ token_type: 'Bearer', issued_token_type: subject_token_type, expires_in: 300 })
    const { payload, protectedHeader } = await jwtVerify(body.access_token, await keySet(), {
      issuer: running.configuration.issuer,
      audience: 'billing',
      algorithms: ['ES256'],
      typ: 'at+jwt',
    })
    expect(payload).toMatchObject({ sub: person.id, sid: person.sessionId, role: 'user' })
    expect(protectedHeader.alg).toBe('ES256')
  })

  it('publishes public keys only, and the same ones from every server on the database', async () => {
    const { body } = await running.api.get('/.well-known/jwks.json')
    expect(body.keys.length).toBeGreaterThan(0)
    for (const key of body.keys) {
      expect(key).toMatchObject({ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig' })
      expect(key).not.toHaveProperty('d')
    }
    const another = await running.startAnother()
    expect((await another.api.get('/.well-known/jwks.json')).body.keys).toEqual(body.keys)
    await another.stop()
  })

  it('sets the requested audience if it is on the list', async () => {
    const { token } = await register(running)
    const granted = await exchange({ grant_type, subject_token: token, subject_token_type, audience: 'mail' })
    await jwtVerify(granted.body.access_token, await keySet(), { audience: 'mail' })
    const refused = await exchange({ grant_type, subject_token: token, subject_token_type, audience: 'other' })
    expect([refused.status, refused.body.code, refused.body.error]).toEqual([400, 'audience_refused', 'invalid_target'])
  })

  it('returns no token that this server would accept as an access token', async () => {
    const { token } = await register(running)
    const { body } = await exchange({ grant_type, subject_token: token, subject_token_type })
    expect(await tokenState(running, body.access_token)).toMatch(/_/)
    const again = await exchange({ grant_type, subject_token: body.access_token, subject_token_type })
    expect(again.body.code).toBe('subject_token_refused')
  })

  it('returns no token that outlives the exchanged one', async () => {
    const { token } = await register(running)
    running.clock.advance(800_000)
    const { body } = await exchange({ grant_type, subject_token: token, subject_token_type })
    expect(body.expires_in).toBeLessThanOrEqual(100)
    running.clock.advance(110_000)
    const late = await exchange({ grant_type, subject_token: token, subject_token_type })
    expect([late.status, late.body.code]).toEqual([400, 'subject_token_refused'])
  })

  it('refuses a revoked token', async () => {
    const { token } = await register(running)
    await running.api.post('/v1/logout-all', { token })
    const { body } = await exchange({ grant_type, subject_token: token, subject_token_type })
    expect([body.code, body.error]).toEqual(['subject_token_refused', 'invalid_request'])
  })

  it.each([
    ['grant_unsupported', 'unsupported_grant_type', 'grant_type=password&username=a&password=b'],
    ['parameters_malformed', 'invalid_request', ''],
    ['parameters_malformed', 'invalid_request', 'grant_type='],
    ['exchange_malformed', 'invalid_request', `grant_type=${encodeURIComponent(grant_type)}`],
    ['exchange_malformed', 'invalid_request', `grant_type=${encodeURIComponent(grant_type)}&subject_token=x`],
  ])('answers %s with the OAuth error %s', async (code, error, form) => {
    const { status, body } = await exchange(form)
    expect([status, body.code, body.error]).toEqual([400, code, error])
  })

  it('refuses a repeated parameter', async () => {
    const { token } = await register(running)
    const form = new URLSearchParams({ grant_type, subject_token: token, subject_token_type, audience: 'mail' })
    const { status, body } = await exchange(`${form}&audience=billing`)
    expect([status, body.code, body.error]).toEqual([400, 'parameters_malformed', 'invalid_request'])
  })

  it('accepts only forms', async () => {
    const { status, body } = await running.api.post('/oauth/token', { body: { grant_type } })
    expect([status, body.code]).toEqual([415, 'unsupported_media_type'])
  })
})
