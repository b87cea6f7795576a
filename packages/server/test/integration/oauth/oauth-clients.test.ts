import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../../../../../test/support/free-port.js'
import { basic, type Machine, Machines, machineTokenState } from '../../support/machines.js'
import { register, tokenState } from '../../support/people.js'
import { startServer, type TestServer } from '../../support/start-server.js'

const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange'
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'
const plainHttp = { [oauth.allowInsecureRequests]: true }

let running: TestServer
let machines: Machines
let machine: Machine

beforeAll(async () => {
  const port = await freePort()
  running = await startServer({
    database: 'sqlite',
    configuration: { port, issuer: `http://127.0.0.1:${port}`, serviceAudiences: ['billing'] },
  })
  machines = await Machines.with(running)
  machine = await machines.create({ scope: 'reports:read reports:write', may_introspect: true })
})
afterAll(() => running.stop())

/** Returns the metadata of the server, as oauth4webapi reads it. */
async function discover(): Promise<oauth.AuthorizationServer> {
  const issuer = new URL(running.url)
  const response = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...plainHttp })
  return oauth.processDiscoveryResponse(issuer, response)
}

/** Returns the `error` and the status of the refusal, as the client has parsed it. */
async function refusalOf(work: Promise<unknown>): Promise<unknown> {
  try {
    await work
    return 'no refusal'
  } catch (error) {
    if (error instanceof oauth.ResponseBodyError) return [error.status, error.error]
    if (error instanceof oauth.WWWAuthenticateChallengeError) return [error.status, error.cause[0]?.scheme]
    throw error
  }
}

describe.each([
  ['client_secret_basic', oauth.ClientSecretBasic],
  ['client_secret_post', oauth.ClientSecretPost],
] as const)('oauth4webapi with %s', (_, authentication) => {
  let server: oauth.AuthorizationServer
  let client: oauth.Client
  let proof: oauth.ClientAuth

  beforeAll(async () => {
    server = await discover()
    client = { client_id: machine.id }
    proof = authentication(machine.secret)
  })

  const clientCredentials = async (parameters: Record<string, string> = {}, secret = proof) => {
    const response = await oauth.clientCredentialsGrantRequest(server, client, secret, parameters, plainHttp)
    return oauth.processClientCredentialsResponse(server, client, response)
  }
  const exchange = async (parameters: Record<string, string>, secret = proof) => {
    const form = { subject_token_type: accessTokenType, ...parameters }
    const response = await oauth.genericTokenEndpointRequest(server, client, secret, exchangeGrant, form, plainHttp)
    return oauth.processGenericTokenEndpointResponse(server, client, response)
  }
  const introspect = async (token: string, secret = proof) => {
    const response = await oauth.introspectionRequest(server, client, secret, token, plainHttp)
    return oauth.processIntrospectionResponse(server, client, response)
  }
  const revoke = async (token: string, secret = proof) => {
    const response = await oauth.revocationRequest(server, client, secret, token, plainHttp)
    await oauth.processRevocationResponse(response)
  }

  it('gets an access token, introspects it, and revokes it', async () => {
    const granted = await clientCredentials({ scope: 'reports:read' })
    expect(granted).toMatchObject({ token_type: 'bearer', expires_in: 900, scope: 'reports:read' })
    expect(await introspect(granted.access_token)).toMatchObject({
      active: true,
      client_id: machine.id,
      scope: 'reports:read',
    })
    await revoke(granted.access_token)
    expect(await introspect(granted.access_token)).toEqual({ active: false })
    expect(await machineTokenState(running, granted.access_token)).toBe('session_ended')
  })

  it.each([
    ['an account', async () => (await register(running)).token, { client_id: 'latchkey', role: 'user' }],
    ['a client', () => machines.tokenOf(machine), { scope: 'reports:read reports:write' }],
  ])('exchanges the token of %s for one that another service accepts by RFC 9068', async (_name, subject, claims) => {
    const { access_token, issued_token_type } = await exchange({ subject_token: await subject(), audience: 'billing' })
    expect(issued_token_type).toBe(accessTokenType)
    const request = new Request('https://billing.example', { headers: { authorization: `Bearer ${access_token}` } })
    const verified = await oauth.validateJwtAccessToken(server, request, 'billing', plainHttp)
    expect(verified).toMatchObject(claims)
    if (!('role' in claims)) expect([verified.client_id, verified.sub]).toEqual([machine.id, machine.id])
  })

  it('understands each refusal', async () => {
    const [wrong, token] = [authentication('wrong'), 'x.y.z']
    expect(await refusalOf(clientCredentials({ scope: 'all' }))).toEqual([400, 'invalid_scope'])
    expect(await refusalOf(exchange({ subject_token: token }))).toEqual([400, 'invalid_request'])
    const subject_token = await machines.tokenOf(machine)
    expect(await refusalOf(exchange({ subject_token, audience: 'x' }))).toEqual([400, 'invalid_target'])
    for (const refused of [clientCredentials({}, wrong), introspect(token, wrong), revoke(token, wrong)]) {
      expect(await refusalOf(refused)).toEqual([401, 'basic'])
    }
    const other = await machines.tokenOf(await machines.create())
    expect(await refusalOf(revoke(other))).toEqual([400, 'invalid_grant'])
    const response = await oauth.genericTokenEndpointRequest(server, client, proof, 'password', {}, plainHttp)
    const refused = oauth.processGenericTokenEndpointResponse(server, client, response)
    expect(await refusalOf(refused)).toEqual([400, 'unsupported_grant_type'])
    const unfit = await machines.create()
    const asked = await oauth.introspectionRequest(
      server,
      { client_id: unfit.id },
      authentication(unfit.secret),
      token,
      plainHttp,
    )
    const answer = oauth.processIntrospectionResponse(server, { client_id: unfit.id }, asked)
    expect(await refusalOf(answer)).toEqual([403, 'unauthorized_client'])
  })
})

describe('oauth4webapi without a client', () => {
  it('ends the session of an account by its refresh token, and exchanges its access token', async () => {
    const server = await discover()
    const client = { client_id: 'none' }
    const person = await register(running)
    const response = await oauth.genericTokenEndpointRequest(
      server,
      client,
      oauth.None(),
      exchangeGrant,
      { subject_token: person.token, subject_token_type: accessTokenType },
      plainHttp,
    )
    const { expires_in } = await oauth.processGenericTokenEndpointResponse(server, client, response)
    expect(expires_in).toBe(300)
    const ended = await oauth.revocationRequest(server, client, oauth.None(), person.refreshToken, plainHttp)
    await oauth.processRevocationResponse(ended)
    expect(await tokenState(running, person.token)).toBe('session_ended')
  })
})

describe('openid-client', () => {
  const configure = (secret: string) =>
    openid.discovery(new URL(running.url), machine.id, secret, undefined, {
      algorithm: 'oauth2',
      execute: [openid.allowInsecureRequests],
    })

  it('discovers the server, and uses every grant and endpoint for clients', async () => {
    const configuration = await configure(machine.secret)
    expect(configuration.serverMetadata()).toMatchObject({ issuer: running.url, response_types_supported: [] })
    const granted = await openid.clientCredentialsGrant(configuration, { scope: 'reports:write' })
    const form = { subject_token: granted.access_token, subject_token_type: accessTokenType }
    const exchanged = await openid.genericGrantRequest(configuration, exchangeGrant, form)
    expect([granted.expires_in, exchanged.expires_in]).toEqual([900, 300])
    expect(await openid.tokenIntrospection(configuration, granted.access_token)).toMatchObject({ active: true })
    await openid.tokenRevocation(configuration, granted.access_token)
    expect(await openid.tokenIntrospection(configuration, granted.access_token)).toEqual({ active: false })
  })

  it('understands a refusal', async () => {
    const configuration = await configure(machine.secret)
    const refused = openid.clientCredentialsGrant(configuration, { scope: 'all' })
    await expect(refused).rejects.toMatchObject({ status: 400, error: 'invalid_scope' })
  })
})

describe('every refusal of an endpoint of OAuth', () => {
  const form = 'application/x-www-form-urlencoded'

  it.each(['token', 'introspect', 'revoke'])('is JSON with an error at /oauth/%s, whatever is wrong', async (name) => {
    const path = `/oauth/${name}`
    const wrong: [string, string, string | undefined, Record<string, string>, string][] = [
      ['a body of another type', 'POST', '{}', { 'content-type': 'application/json' }, '415 invalid_request'],
      ['no body', 'POST', undefined, {}, '400 invalid_request'],
      ['no UTF-8', 'POST', '\xff', { 'content-type': form }, name === 'introspect' ? '401 invalid_client' : '400'],
      ['a body too large', 'POST', `a=${'x'.repeat(70_000)}`, { 'content-type': form }, '413 invalid_request'],
      ['a parameter twice', 'POST', 'token=a&token=b', { 'content-type': form }, '400 invalid_request'],
      ['a wrong client', 'POST', 'token=a', { 'content-type': form, authorization: 'Basic eDp5' }, ''],
      ['a method that it does not take', 'GET', undefined, {}, '405 invalid_request'],
    ]
    for (const [what, method, body, headers, expected] of wrong) {
      const response = await fetch(`${running.url}${path}`, {
        method,
        headers,
        ...(body === undefined ? {} : { body }),
      })
      expect([what, response.headers.get('content-type')]).toEqual([what, 'application/json; charset=utf-8'])
      const { error, error_description, code } = (await response.json()) as Record<string, unknown>
      expect([what, `${response.status} ${error}`]).toEqual([what, expect.stringContaining(expected)])
      expect([what, typeof error, typeof error_description, typeof code]).toEqual([what, 'string', 'string', 'string'])
    }
  })

  it('is JSON with an error also at a rate limit, and while the database is unavailable', async () => {
    const few = { address: { requests: 1, windowSec: 60 }, pair: { requests: 1, windowSec: 60 } }
    const limits = { ...running.configuration.limits, token: few }
    const strict = await running.startAnother({ configuration: { port: 0, limits } })
    const away = await startServer({ database: 'sqlite' })
    const ask = async ({ url }: TestServer) => {
      const headers = { 'content-type': form, ...basic({ id: 'x', secret: 'y' }) }
      const response = await fetch(`${url}/oauth/revoke`, { method: 'POST', headers, body: 'token=x' })
      return [response.status, response.headers.get('content-type'), await response.text()]
    }
    await ask(strict)
    const json = 'application/json; charset=utf-8'
    expect(await ask(strict)).toEqual([429, json, expect.stringContaining('"error":"temporarily_unavailable"')])
    await away.loseDatabase()
    expect(await ask(away)).toEqual([503, json, expect.stringContaining('"error":"temporarily_unavailable"')])
    await away.stop()
    await strict.stop()
  })
})

it('every access token names the client that it was issued to (RFC 9068 §2.2)', async () => {
  const { id, token } = await register(running)
  for (const [issued, expected] of [
    [token, id],
    [await machines.tokenOf(machine), machine.id],
  ] as const) {
    const [header = '', payload = ''] = issued.split('.')
    const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>
    expect(read(header)).toMatchObject({ typ: 'at+jwt' })
    const claims = ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti']
    expect(Object.keys(read(payload))).toEqual(expect.arrayContaining(claims))
    expect(read(payload).client_id).toBe(expected)
  }
})
