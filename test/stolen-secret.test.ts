import { createHmac } from 'node:crypto'
import { createLatchkey, Keyring } from 'latchkey'
import { introspection } from 'latchkey/introspection'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type AuthAnswer, AuthClient, type Device, password } from './support/auth-client.js'
import {
  createDeployment,
  type Deployment,
  databases,
  openStore,
  runCommand,
  startServer,
} from './support/server-process.js'

/**
 * Returns the real secret of one user, which an attacker with the database and the master key, or
 * with a core dump, has.
 */
async function stealSecret(deployment: Deployment, tenant: string): Promise<Buffer> {
  const store = openStore(deployment)
  try {
    const secret = (await store.readTenants([tenant])).get(tenant)?.secrets[0]
    if (secret === undefined) throw new Error('There is no secret to steal.')
    const binding = ['tenant-secret', tenant, secret.kid, secret.generation, secret.algorithm] as const
    return Keyring.parse(deployment.masterKeys).open(secret, binding)
  } finally {
    await store.close()
  }
}

interface Parts {
  readonly header: Record<string, unknown>
  readonly claims: Record<string, unknown>
}

function partsOf(token: string): Parts {
  const [header, claims] = token.split('.', 2).map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()))
  return { header, claims }
}

function forge({ header, claims }: Parts, secret: Buffer): string {
  const input = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

describe.each(databases)('with user A’s real secret stolen, on %s (C1)', (database) => {
  it('no route grants access to user B or to an administrator', async () => {
    const deployment = await createDeployment(database)
    const server = await startServer(deployment)
    try {
      const client = new AuthClient(server.url)
      await runCommand(deployment, ['admin', 'create', 'root@example.com'], `${password}\n`)
      const root = await client.login('root@example.com')
      const a = await client.register('a@example.com')
      const b = await client.register('b@example.com')
      const secret = await stealSecret(deployment, a.accountId)
      const own = partsOf(a.accessToken)
      expect(await client.whoIs(forge(own, secret)), 'the secret is the real one').toBe(a.accountId)

      for (const victim of [b, root]) {
        for (const token of forgeriesOf(own, victim, secret)) {
          for (const [method, path] of routesOf(victim)) {
            const answer = await client.call(method, path, { token })
            expect(answer.status, `${method} ${path}`).toBe(401)
          }
        }
      }

      expect(await client.whoIs(b.accessToken)).toBe(b.accountId)
      expect(await client.whoIs(root.accessToken)).toBe(root.accountId)
    } finally {
      await server.stop()
      await deployment.dispose()
    }
  })
})

/** Rights that the attacker writes into a forged token. */
const rights = {
  role: 'admin',
  roles: ['superuser'],
  scope: 'reports:read pay:all',
  grants: { role: 'admin', roles: ['superuser'], scope: 'pay:all', client: true },
  client: true,
  may_introspect: true,
}

interface Site {
  readonly url: string
  readonly client: AuthClient
  readonly root: Device
  readonly a: Device
  readonly b: Device
  /** A client that may introspect and has the scope `pay:all`. */
  readonly payroll: { readonly id: string; readonly client_secret: string }
  /** A's real token, and A's real secret. */
  readonly own: Parts
  readonly secret: Buffer
  /** Returns A's token with other claims, signed with A's real secret. */
  forgeWith(claims: Record<string, unknown>): string
}

describe.each(databases)('with user A’s real secret stolen, claims grant no rights on %s (C1):', (database) => {
  let deployment: Deployment
  let server: Awaited<ReturnType<typeof startServer>>
  let site: Site

  beforeAll(async () => {
    deployment = await createDeployment(database)
    server = await startServer(deployment)
    site = await openSite(deployment, server.url)
  })
  afterAll(async () => {
    await server.stop()
    await deployment.dispose()
  })

  it('not on the routes of administrators, nor on those of the own account', async () => {
    const { client, a, b, forgeWith } = site
    for (const claims of [rights, { ...rights, client_id: a.accountId }]) {
      const posing = forgeWith(claims)
      expect(await client.whoIs(posing), 'the secret is the real one').toBe(a.accountId)
      expect((await client.call('GET', '/v1/me', { token: posing })).body).toMatchObject({ role: 'user', roles: [] })
      for (const [method, path] of adminRoutesOf(b)) {
        expect((await client.call(method, path, { token: posing })).status, `${method} ${path}`).toBe(403)
      }
    }
  })

  it('not at forward-auth', async () => {
    const { url, a, forgeWith } = site
    const ask = (token: string, query = '') =>
      fetch(`${url}/v1/forward-auth${query}`, { headers: { authorization: `Bearer ${token}` } })
    const passed = await ask(forgeWith({ ...rights, client_id: a.accountId }))
    const identity = ['subject', 'roles', 'scope', 'client'].map((name) => passed.headers.get(`x-auth-${name}`))
    expect([passed.status, ...identity]).toEqual([200, a.accountId, '', '', ''])
    for (const scope of ['reports:read', 'pay:all']) {
      expect((await ask(forgeWith(rights), `?scope=${scope}`)).status, scope).toBe(403)
    }
  })

  it('not in introspection, which returns no forged claim', async () => {
    const { a, b, own, forgeWith } = site
    const made = { ...rights, client_id: a.accountId, username: 'root', cnf: {}, nbf: 1 }
    const audiences = { aud: [site.own.claims.aud, 'billing'] }
    const stepUp = { auth_time: Date.now() / 1000 + 600, acr: 'aal2', amr: ['mfa'] }
    const { body } = await introspect(site, forgeWith({ ...made, ...audiences, ...stepUp }))
    const { iss, aud, exp, iat, jti, sid, auth_time, acr } = own.claims
    const genuine = { iss, aud, exp, iat, jti, sid, auth_time, acr, sub: a.accountId }
    expect(acr).toBe('aal1')
    expect(body).toEqual({ active: true, token_type: 'Bearer', role: 'user', ...genuine })
    // Its owner alone uses this session, and the claim says otherwise.
    expect((await introspect(site, forgeWith({ act: { sub: b.accountId } }))).body).toEqual({ active: false })
  })

  it('not in an API that introspects, whatever the token claims', async () => {
    const { url, payroll, a, own, forgeWith } = site
    const { id: clientId, client_secret: clientSecret } = payroll
    const keys = introspection({ url: `${url}/oauth/introspect`, clientId, clientSecret })
    const audience = String(own.claims.aud)
    const latchkey = createLatchkey({ issuer: String(own.claims.iss), audience, keys })
    onTestFinished(() => latchkey.close())
    const { subject, grants, claims } = await latchkey.verify(forgeWith({ ...rights, client_id: a.accountId }))
    expect([subject, grants, claims.role]).toEqual([a.accountId, { roles: [], scope: '' }, 'user'])
    for (const name of ['roles', 'scope', 'grants', 'client', 'may_introspect']) {
      expect(claims, name).not.toHaveProperty(name)
    }
    const wider = forgeWith({ aud: [audience, 'billing'] })
    await expect(async () => latchkey.verify(wider)).rejects.toMatchObject({ code: 'introspection_mismatch' })
  })

  it('not in a token for another service', async () => {
    const { a, forgeWith } = site
    const { status, body } = await exchange(site, forgeWith({ ...rights, client_id: a.accountId }))
    expect(status).toBe(200)
    const { claims } = partsOf(body.access_token)
    expect(claims).toMatchObject({ sub: a.accountId, role: 'user', client_id: 'latchkey' })
    for (const name of ['roles', 'scope', 'grants', 'client', 'act']) {
      expect(claims, name).not.toHaveProperty(name)
    }
    expect((await exchange(site, forgeWith({ act: { sub: site.b.accountId } }))).status).toBe(400)
  })

  it('not those of a client, none of whose tokens can be revoked', async () => {
    const { client, payroll, a, forgeWith } = site
    for (const client_id of [payroll.id, [a.accountId], null, '']) {
      const posing = forgeWith({ ...rights, client_id })
      expect(await client.whoIs(posing)).toBe('subject_mismatch')
      expect((await introspect(site, posing)).body).toEqual({ active: false })
      expect((await exchange(site, posing)).status).toBe(400)
    }
  })

  it('not a longer lifetime than the verifier allows', async () => {
    const { client, own, a, forgeWith } = site
    const iat = Number(own.claims.iat)
    expect(await client.whoIs(forgeWith({ exp: iat + 900 }))).toBe(a.accountId)
    for (const lifetime of [
      { exp: iat + 901 },
      { exp: iat + 31_536_000 },
      { iat: iat - 900 },
      { iat: 0 },
      { iat: iat + 31_536_000, exp: iat + 31_536_900 },
    ]) {
      const token = forgeWith(lifetime)
      expect(await client.whoIs(token), JSON.stringify(lifetime)).toMatch(/^(claim_invalid|token_not_yet_valid)$/)
      expect((await introspect(site, token)).body).toEqual({ active: false })
      expect((await exchange(site, token)).status).toBe(400)
    }
  })

  it('but they narrow the grants of A, and removed grants of A end at once for every token', async () => {
    const { url, client, root, a, forgeWith } = site
    const grant = (body: object) =>
      client.call('PATCH', `/v1/admin/users/${a.accountId}`, { token: root.accessToken, body })
    const scopeOf = async (claims: Record<string, unknown>) => {
      const headers = { authorization: `Bearer ${forgeWith(claims)}` }
      return (await fetch(`${url}/v1/forward-auth`, { headers })).headers.get('x-auth-scope')
    }
    await grant({ scope: 'posts:read posts:write' })
    expect(await scopeOf({})).toBe('posts:read posts:write')
    expect(await scopeOf({ scope: 'posts:write pay:all' })).toBe('posts:write')
    expect(await scopeOf({ scope: ['posts:write'] })).toBe('')
    await grant({ scope: '' })
    expect(await scopeOf({ scope: 'posts:read posts:write' })).toBe('')
  })

  // This test is the last one, because an invented session ends the secret.
  it('not the session of another account, nor one that has ended', async () => {
    const { client, a, b, forgeWith } = site
    const second = await client.login('a@example.com')
    await client.call('POST', '/v1/logout', { token: second.accessToken })
    expect(await client.whoIs(forgeWith({ sid: second.sessionId }))).toBe('session_ended')
    expect(await client.whoIs(forgeWith({}))).toBe(a.accountId)
    expect(await client.whoIs(forgeWith({ sid: b.sessionId }))).toBe('session_forged')
    await expect.poll(() => client.whoIs(forgeWith({}))).toBe('token_revoked')
  })
})

async function openSite(deployment: Deployment, url: string): Promise<Site> {
  const client = new AuthClient(url)
  await runCommand(deployment, ['admin', 'create', 'root@example.com'], `${password}\n`)
  const root = await client.login('root@example.com')
  const wanted = { name: 'payroll', scope: 'pay:all', may_introspect: true }
  const payroll = (await client.call('POST', '/v1/admin/clients', { token: root.accessToken, body: wanted })).body
  const a = await client.register('a@example.com')
  const b = await client.register('b@example.com')
  const secret = await stealSecret(deployment, a.accountId)
  const own = partsOf(a.accessToken)
  const forgeWith = (claims: Record<string, unknown>) => forge({ ...own, claims: { ...own.claims, ...claims } }, secret)
  return { url, client, root, a, b, payroll, own, secret, forgeWith }
}

async function post(url: string, form: Record<string, string>): Promise<AuthAnswer> {
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams(form) })
  return { status: response.status, body: await response.json() }
}

function introspect({ url, payroll }: Site, token: string) {
  const { id: client_id, client_secret } = payroll
  return post(`${url}/oauth/introspect`, { token, client_id, client_secret })
}

function exchange({ url }: Site, token: string) {
  return post(`${url}/oauth/token`, {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    subject_token: token,
  })
}

/**
 * Returns forgeries of an attacker: the victim's name under the stolen kid, under the victim's own,
 * and under none.
 */
function forgeriesOf(own: Parts, victim: Device, secret: Buffer): string[] {
  const { header, claims } = partsOf(victim.accessToken)
  return [
    forge({ header: own.header, claims }, secret),
    forge({ header, claims }, secret),
    forge({ header: { ...header, kid: undefined }, claims }, secret),
    forge({ header: own.header, claims: { ...own.claims, sub: victim.accountId } }, secret),
    forge({ header: own.header, claims: { ...own.claims, sub: [own.claims.sub, victim.accountId] } }, secret),
  ]
}

function routesOf(victim: Device): [method: string, path: string][] {
  return [
    ['GET', '/v1/me'],
    ['PATCH', '/v1/me'],
    ['DELETE', '/v1/me'],
    ['POST', '/v1/me/password'],
    ['GET', '/v1/me/sessions'],
    ['DELETE', `/v1/me/sessions/${victim.sessionId}`],
    ['GET', '/v1/me/applications'],
    ['DELETE', `/v1/me/applications/${'a'.repeat(22)}`],
    ['GET', '/v1/me/export'],
    ['POST', '/v1/logout'],
    ['POST', '/v1/logout-all'],
    ...adminRoutesOf(victim),
  ]
}

function adminRoutesOf(victim: Device): [method: string, path: string][] {
  const user = `/v1/admin/users/${victim.accountId}`
  return [
    ['GET', '/v1/admin/users'],
    ['GET', user],
    ['GET', `${user}/secrets`],
    ['GET', `${user}/sessions`],
    ['POST', `${user}/disable`],
    ['POST', `${user}/enable`],
    ['POST', `${user}/rotate`],
    ['POST', `${user}/revoke`],
    ['DELETE', user],
    ['GET', '/v1/admin/audit'],
  ]
}
