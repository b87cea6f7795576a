import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Express } from 'express'
import type { FastifyInstance } from 'fastify'
import type { Hono } from 'hono'
import {
  type Auth,
  createLatchkey,
  Keyring,
  type Latchkey,
  sharedSecret,
  type TenantSecrets,
  tenantSecrets,
} from 'latchkey'
import { postgresStore } from 'latchkey/postgres'
import { createSessions, type Sessions } from 'latchkey/sessions'
import type { SqlClient, SqlStore } from 'latchkey/sql'
import { createTestLatchkey } from 'latchkey/testing'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { AuthClient } from './support/auth-client.js'
import { runBlock } from './support/run-block.js'
import {
  createDeployment,
  type Deployment,
  runCommand,
  type ServerProcess,
  startServer,
} from './support/server-process.js'
import { startMariadb } from './support/start-mariadb.js'
import { createTestDatabase } from './support/test-database.js'

/** Serves an application until the test ends, and returns its address. */
async function serve(app: RequestListener): Promise<string> {
  const server = createServer(app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('A TCP server has a port.')
  return `http://127.0.0.1:${address.port}`
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

/** Sets variables of the environment until the test ends. */
function setEnvironment(variables: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(variables)) {
    const before = process.env[name]
    process.env[name] = value
    onTestFinished(() => {
      if (before === undefined) delete process.env[name]
      else process.env[name] = before
    })
  }
}

/** An empty file for a database until the test ends. */
function temporaryFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-guides-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'latchkey.db')
}

/** Opens a new PostgreSQL database with a table of users in which ada is. */
async function databaseWithAda(): Promise<{ readonly store: SqlStore; readonly keys: TenantSecrets<SqlClient> }> {
  const database = await createTestDatabase()
  onTestFinished(() => database.drop())
  const masterKeys = Keyring.generate('test')
  setEnvironment({ DATABASE_URL: database.url, LATCHKEY_MASTER_KEYS: masterKeys })
  const store = postgresStore({ connectionString: database.url })
  onTestFinished(() => store.close())
  await store.migrate()
  const keys = tenantSecrets({ store, masterKeys })
  onTestFinished(() => keys.close())
  await store.query('create table users (id text primary key, email text, password_hash text)')
  await store.query("insert into users (id, email) values ('ada', 'ada@example.com')")
  return { store, keys }
}

describe('docs/guides/read-roles.md', () => {
  it('reads stored grants', async () => {
    setEnvironment({ LATCHKEY_MASTER_KEYS: Keyring.generate('test') })
    await runBlock<{ app: Express }>('docs/guides/read-roles.md')
    const { mayPublish } = await runBlock<{ mayPublish(auth: Auth): boolean }>('docs/guides/read-roles.md', 1)
    const { latchkey, keys, tokenFor } = createTestLatchkey()
    const token = await tokenFor('ada')
    expect(mayPublish(await latchkey.verify(token))).toBe(false)
    await keys.setGrants('ada', { roles: ['publisher'] })
    expect(mayPublish(await latchkey.verify(token))).toBe(true)
  })
})

describe('docs/guides/sign-out-everywhere.md', () => {
  it('ends one device, and then all of them', async () => {
    setEnvironment({ DATABASE: temporaryFile(), LATCHKEY_MASTER_KEYS: Keyring.generate('test') })
    const { keys, latchkey, signOutHere, signOutEverywhere } = await runBlock<{
      keys: TenantSecrets
      latchkey: Latchkey
      signOutHere(token: string): Promise<void>
      signOutEverywhere(userId: string): Promise<void>
    }>('docs/guides/sign-out-everywhere.md')
    onTestFinished(() => keys.close())
    const { token: phone } = await latchkey.issue({ subject: 'ada' })
    const { token: laptop } = await latchkey.issue({ subject: 'ada' })
    await signOutHere(phone)
    await expect(async () => latchkey.verify(phone)).rejects.toMatchObject({ code: 'session_ended' })
    expect(await latchkey.verify(laptop)).toMatchObject({ subject: 'ada' })
    await signOutEverywhere('ada')
    await expect(async () => latchkey.verify(laptop)).rejects.toMatchObject({ code: 'token_revoked' })
    await expect(signOutEverywhere('bob')).rejects.toMatchObject({ code: 'tenant_unknown' })
  })
})

describe('docs/guides/sessions.md', () => {
  const path = 'docs/guides/sessions.md'

  it('keeps a browser signed in, until it signs out', async () => {
    setEnvironment({ DATABASE: temporaryFile(), LATCHKEY_MASTER_KEYS: Keyring.generate('test') })
    const { keys, latchkey, sessions } = await runBlock<{
      keys: TenantSecrets
      latchkey: Latchkey
      sessions: Sessions
    }>(path)
    onTestFinished(() => keys.close())
    const { createApp } = await runBlock<{
      createApp(latchkey: Latchkey, sessions: Sessions, check: () => Promise<string | undefined>): Express
    }>(path, 1)
    const { onTheft } = await runBlock<{ onTheft(inform: (userId: string) => void): void }>(path, 2)
    const informed: string[] = []
    onTheft((userId) => informed.push(userId))
    let password = 'right'
    const url = await serve(createApp(latchkey, sessions, async () => (password === 'right' ? 'ada' : undefined)))
    const jar = new Map<string, string>()
    const call = async (
      method: string,
      route: string,
      cookies: ReadonlyMap<string, string> = jar,
      site = 'same-origin',
    ) => {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
      const response = await fetch(url + route, { method, headers: { cookie, 'sec-fetch-site': site } })
      for (const line of response.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
        expect(line).toMatch(/; Path=\/;.*; HttpOnly; Secure; SameSite=(?:Lax|Strict)$/)
        if (value === '') jar.delete(name)
        else jar.set(name, value)
      }
      const text = await response.text()
      return { status: response.status, body: text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text }
    }
    password = 'wrong'
    expect((await call('POST', '/sign-in')).status).toBe(401)
    password = 'right'
    expect((await call('POST', '/sign-in', jar, 'same-site')).status).toBe(403)
    expect((await call('POST', '/refresh')).body.code).toBe('refresh_token_invalid')
    expect((await call('POST', '/sign-in')).status).toBe(204)
    expect([...jar.keys()].sort()).toEqual(['__Host-refresh', '__Host-token'])
    const first = new Map(jar)
    expect((await call('POST', '/refresh', jar, 'cross-site')).status).toBe(403)
    expect((await call('POST', '/refresh')).status).toBe(204)
    expect((await call('GET', '/devices')).body).toMatchObject([{ subject: 'ada' }])
    const second = new Map(jar)
    expect((await call('POST', '/sign-out')).status).toBe(204)
    expect(jar.size).toBe(0)
    expect((await call('GET', '/devices', second)).body.code).toBe('session_ended')
    expect((await call('POST', '/refresh', second)).body.code).toBe('session_ended')
    expect((await call('POST', '/sign-in')).status).toBe(204)
    const stolen = new Map(jar)
    for (const _ of [1, 2]) expect((await call('POST', '/refresh')).status).toBe(204)
    expect((await call('POST', '/refresh', stolen)).body.code).toBe('refresh_token_reused')
    expect((await call('GET', '/devices')).body.code).toBe('session_ended')
    expect(informed).toEqual(['ada'])
    expect((await call('POST', '/refresh', first)).body.code).toBe('session_ended')
  })

  it('keeps the session of the user who changes the password', async () => {
    const { store, keys } = await databaseWithAda()
    const { changePassword } = await runBlock<{
      changePassword(store: SqlStore, sessions: Sessions<SqlClient>, change: object): Promise<void>
    }>(path, 3)
    const latchkey = createLatchkey({ issuer: 'https://issuer.test', audience: 'test', keys })
    const sessions = createSessions({ latchkey, keys, store })
    const [kept, other] = [await sessions.start('ada'), await sessions.start('ada')]
    await changePassword(store, sessions, { userId: 'ada', sessionId: kept.session.id, hash: 'new' })
    expect((await sessions.list('ada')).map(({ id }) => id)).toEqual([kept.session.id])
    await expect(sessions.refresh(other.refreshToken)).rejects.toMatchObject({ code: 'session_ended' })
    expect((await store.query('select password_hash as hash from users')).rows).toEqual([{ hash: 'new' }])
  })
})

describe('docs/guides/revoke-in-a-transaction.md', () => {
  const path = 'docs/guides/revoke-in-a-transaction.md'

  it('revokes with a statement of pg, and not without it', async () => {
    const { store } = await databaseWithAda()
    const { keys, changePassword, close } = await runBlock<{
      keys: TenantSecrets<SqlClient>
      changePassword(userId: string, hash: string | object): Promise<void>
      close(): Promise<void>
    }>(path)
    onTestFinished(close)
    const latchkey = createLatchkey({ issuer: 'https://issuer.test', audience: 'test', keys })
    const { token } = await latchkey.issue({ subject: 'ada' })
    await store.query("alter table users add constraint short check (password_hash <> 'refused')")
    await expect(changePassword('ada', 'refused')).rejects.toMatchObject({ code: '23514' })
    expect(await latchkey.verify(token)).toMatchObject({ subject: 'ada' })
    await changePassword('ada', 'new')
    await expect(async () => latchkey.verify(token)).rejects.toMatchObject({ code: 'token_revoked' })
    await expect(keys.revoke('ada', { client: store, everywhere: true })).rejects.toThrow(TypeError)
  })

  it('forgets a user with store.transaction', async () => {
    const { store, keys } = await databaseWithAda()
    const { deleteUser } = await runBlock<{
      deleteUser(store: SqlStore, keys: TenantSecrets<SqlClient>, userId: string): Promise<void>
    }>(path, 1)
    await keys.provision('ada')
    await deleteUser(store, keys, 'ada')
    expect(await keys.describe('ada')).toBeUndefined()
    expect((await store.query('select id from users')).rows).toEqual([])
  })
})

describe('docs/guides/databases-and-orms.md', () => {
  const path = 'docs/guides/databases-and-orms.md'

  it('carries out what another database has noted', async () => {
    const { revokePending } = await runBlock<{
      revokePending(pending: object, keys: TenantSecrets): Promise<void>
    }>(path, 1)
    const { latchkey, keys, tokenFor } = createTestLatchkey()
    const token = await tokenFor('ada')
    const users = new Set(['ada', 'never-signed-in'])
    await revokePending({ read: async () => [...users], remove: async (id: string) => users.delete(id) }, keys)
    expect([...users]).toEqual([])
    await expect(async () => latchkey.verify(token)).rejects.toMatchObject({ code: 'token_revoked' })
  })

  it('revokes with a statement of mysql2, and not without it', async () => {
    const server = await startMariadb()
    onTestFinished(() => server.dispose())
    const url = await server.createDatabase()
    await server.run('create table users (id varchar(255) primary key, email varchar(20) not null)', url)
    await server.run("insert into users values ('ada', 'ada@old.test')", url)
    setEnvironment({ DATABASE_URL: url, LATCHKEY_MASTER_KEYS: Keyring.generate('test') })
    const { store, keys, pool, changeEmail } = await runBlock<{
      store: SqlStore<'mysql'>
      keys: TenantSecrets<SqlClient>
      pool: { end(): Promise<void> }
      changeEmail(id: string, email: string): Promise<void>
    }>(path)
    onTestFinished(async () => {
      await Promise.all([keys.close(), pool.end()])
      await store.close()
    })
    const latchkey = createLatchkey({ issuer: 'https://issuer.test', audience: 'test', keys })
    const { token } = await latchkey.issue({ subject: 'ada' })
    await expect(changeEmail('ada', 'x'.repeat(21))).rejects.toMatchObject({ code: 'ER_DATA_TOO_LONG' })
    expect(await latchkey.verify(token)).toMatchObject({ subject: 'ada' })
    await changeEmail('ada', 'ada@new.test')
    await expect(async () => latchkey.verify(token)).rejects.toMatchObject({ code: 'token_revoked' })
  })

  it('is right that a store is no client', async () => {
    const { store, keys } = await databaseWithAda()
    await keys.provision('ada')
    await expect(keys.revoke('ada', { client: store })).rejects.toThrow(TypeError)
  })
})

/** Returns the code of the error of a call, or `undefined` if it succeeds. */
async function codeOf(call: () => unknown): Promise<unknown> {
  try {
    await call()
    return undefined
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error
  }
}

describe('docs/guides/rotate-all-secrets.md', () => {
  it('rotates all secrets, and ends no session', async () => {
    const { rotateOldSecrets } = await runBlock<{
      rotateOldSecrets(keys: TenantSecrets): Promise<{ rotated: number }>
    }>('docs/guides/rotate-all-secrets.md')
    const { latchkey, keys, tokenFor } = createTestLatchkey()
    const token = await tokenFor('ada')
    expect(await rotateOldSecrets(keys)).toMatchObject({ state: 'done', rotated: 1 })
    expect(await latchkey.verify(token)).toMatchObject({ subject: 'ada' })
  })
})

describe('docs/guides/key-pair-for-services.md', () => {
  it('lets another service verify by the JWKS', async () => {
    setEnvironment({ DATABASE: temporaryFile(), LATCHKEY_MASTER_KEYS: Keyring.generate('test') })
    const path = 'docs/guides/key-pair-for-services.md'
    const { app, signer, rotateMonthly } = await runBlock<{
      app: Express
      signer: Latchkey
      rotateMonthly(): Promise<boolean>
    }>(path)
    onTestFinished(() => signer.close())
    setEnvironment({ JWKS_URL: `${await serve(app)}/.well-known/jwks.json` })
    const { verifier } = await runBlock<{ verifier: Latchkey }>(path, 1)
    onTestFinished(() => verifier.close())
    const { token } = await signer.issue({ subject: 'ada', claims: { scope: 'reports:read' } })
    expect(await verifier.verify(token)).toMatchObject({ subject: 'ada', grants: { scope: 'reports:read' } })
    expect(await rotateMonthly()).toBe(false)
  })
})

describe('docs/guides/claims.md', () => {
  it('adds a claim, and has it issued anew', async () => {
    setEnvironment({ LATCHKEY_MASTER_KEYS: Keyring.generate('test') })
    const { issueFor, localeOf, localeChanged } = await runBlock<{
      issueFor(user: { id: string; locale: string }): Promise<string>
      localeOf(token: string): Promise<string>
      localeChanged(userId: string): Promise<void>
    }>('docs/guides/claims.md')
    const token = await issueFor({ id: 'ada', locale: 'de' })
    expect(await localeOf(token)).toBe('de')
    await localeChanged('ada')
    await expect(localeOf(token)).rejects.toMatchObject({ code: 'reissue_required' })
    expect(await localeOf(await issueFor({ id: 'ada', locale: 'fr' }))).toBe('fr')
  })

  it('reads claims by a schema', async () => {
    setEnvironment({ LATCHKEY_MASTER_KEYS: Keyring.generate('test') })
    const { app, issueFor } = await runBlock<{ app: Express; issueFor(userId: string): Promise<string> }>(
      'docs/guides/claims.md',
      1,
    )
    const url = await serve(app)
    const headers = bearer(await issueFor('ada'))
    const answer = await (await fetch(`${url}/plan`, { headers })).json()
    expect(answer).toEqual({ plan: 'pro', year: new Date().getUTCFullYear(), locale: 'en' })
  })
})

describe('docs/guides/test-my-app.md', () => {
  it('tests an app', async () => {
    const path = 'docs/guides/test-my-app.md'
    await runBlock(path, 1)
    const { createApp } = await runBlock<{ createApp(latchkey: Latchkey): Express }>(path)
    const { latchkey, keys, tokenFor } = createTestLatchkey()
    const url = await serve(createApp(latchkey))
    const headers = bearer(await tokenFor('ada'))
    const remove = async () => (await fetch(`${url}/posts/1`, { method: 'DELETE', headers })).status
    expect(await (await fetch(`${url}/me`, { headers })).json()).toEqual({ id: 'ada' })
    expect(await remove()).toBe(403)
    await keys.setGrants('ada', { roles: ['editor'] })
    expect(await remove()).toBe(204)
  })
})

describe('docs/guides/optional-sign-in.md', () => {
  const path = 'docs/guides/optional-sign-in.md'

  it.each([
    ['Express', 0],
    ['Hono', 1],
  ])('reads a page with and without a token in %s, and refuses one that has expired', async (name, index) => {
    const { createApp } = await runBlock<{ createApp(latchkey: Latchkey): Express | Hono }>(path, index)
    const { latchkey, clock, tokenFor } = createTestLatchkey()
    const app = createApp(latchkey)
    const url = name === 'Express' ? await serve(app as Express) : undefined
    const read = async (headers: Record<string, string>) => {
      const response =
        url === undefined
          ? await (app as Hono).request('/posts', { headers })
          : await fetch(`${url}/posts`, { headers })
      return { status: response.status, body: await response.json() }
    }
    const headers = bearer(await tokenFor('ada'))
    expect(await read({})).toEqual({ status: 200, body: { reader: null } })
    expect(await read(headers)).toEqual({ status: 200, body: { reader: 'ada' } })
    clock.advance(86_400_000)
    expect(await read(headers)).toMatchObject({ status: 401, body: { code: 'token_expired' } })
  })
})

describe('docs/guides/several-issuers.md', () => {
  it('verifies each token with the keys of its own issuer', async () => {
    const path = 'docs/guides/several-issuers.md'
    const { oneOf, createApp } = await runBlock<{
      oneOf(first: Latchkey, others: ReadonlyMap<string, Latchkey>): Pick<Latchkey, 'verify'>
      createApp(latchkey: Pick<Latchkey, 'verify'>): Express
    }>(path)
    setEnvironment({ JWT_SECRET: randomBytes(32).toString('hex') })
    const { ours } = await runBlock<{ ours: Latchkey }>(path, 1)
    const issuer = 'https://login.partner.example'
    const createPartner = () =>
      createLatchkey({ issuer, audience: 'api', keys: sharedSecret({ secrets: [randomBytes(32)] }) })
    const [partner, forger] = [createPartner(), createPartner()]
    const url = await serve(createApp(oneOf(ours, new Map([[issuer, partner]]))))
    const read = async (token: string) => (await fetch(`${url}/me`, { headers: bearer(token) })).json()
    const issue = async (latchkey: Latchkey) => (await latchkey.issue({ subject: 'ada' })).token
    expect(await read(await issue(ours))).toEqual({ issuer: 'https://auth.example.com', id: 'ada' })
    expect(await read(await issue(partner))).toEqual({ issuer, id: 'ada' })
    expect(await read(await issue(forger))).toMatchObject({ code: 'kid_unknown' })
    expect(await read('a.b.c')).toMatchObject({ status: 401 })
  })
})

describe('docs/guides/cors.md', () => {
  const origin = 'https://app.example.com'
  const preflight = { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'GET' } } as const

  it('answers a preflight and a refusal in Fastify', async () => {
    const { createApp } = await runBlock<{ createApp(latchkey: Latchkey): Promise<FastifyInstance> }>(
      'docs/guides/cors.md',
    )
    const app = await createApp(createTestLatchkey().latchkey)
    onTestFinished(() => app.close())
    expect(await app.inject({ ...preflight, url: '/me' })).toMatchObject({ statusCode: 204 })
    const refused = await app.inject({ url: '/me', headers: { origin } })
    expect(refused).toMatchObject({ statusCode: 401, headers: { 'access-control-allow-origin': origin } })
    expect(refused.json()).toMatchObject({ code: 'credentials_missing' })
  })

  it('answers a preflight and a refusal in Hono', async () => {
    const { createApp } = await runBlock<{ createApp(latchkey: Latchkey): Hono }>('docs/guides/cors.md', 1)
    const app = createApp(createTestLatchkey().latchkey)
    expect((await app.request('/me', preflight)).status).toBe(204)
    const refused = await app.request('/me', { headers: { origin } })
    expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([401, origin])
    expect(await refused.json()).toMatchObject({ code: 'credentials_missing' })
  })
})

describe('docs/guides/verify-server-tokens.md', () => {
  const path = 'docs/guides/verify-server-tokens.md'
  let deployment: Deployment
  let server: ServerProcess
  let user: AuthClient

  beforeAll(async () => {
    deployment = await createDeployment('postgres', { LATCHKEY_ISSUER: 'https://auth.example.com' })
    server = await startServer(deployment)
    user = new AuthClient(server.url)
  })

  afterAll(async () => {
    await server.stop()
    await deployment.dispose()
  })

  it('verifies by the shared database until the user has signed out', async () => {
    const { DATABASE_URL = '' } = deployment.env
    setEnvironment({ DATABASE_URL, LATCHKEY_MASTER_KEYS: deployment.masterKeys })
    const { store, keys, latchkey } = await runBlock<{ store: SqlStore; keys: TenantSecrets; latchkey: Latchkey }>(path)
    onTestFinished(async () => {
      await keys.close()
      await store.close()
    })
    const { accessToken, accountId } = await user.register('ada@example.com')
    expect(await latchkey.verify(accessToken)).toMatchObject({ subject: accountId, grants: { roles: [], scope: '' } })
    await user.call('POST', '/v1/logout-all', { token: accessToken })
    await expect.poll(() => codeOf(() => latchkey.verify(accessToken))).toBe('token_revoked')
  })

  it('asks the server by introspection', async () => {
    const created = await runCommand(deployment, ['clients', 'create', 'my API', '--may-introspect', '--json'])
    const client = JSON.parse(created.output)
    const access = { AUTH_SERVER: server.url, CLIENT_ID: client.id, CLIENT_SECRET: client.client_secret }
    setEnvironment({ ...access, ISSUER: 'https://auth.example.com' })
    const { latchkey } = await runBlock<{ latchkey: Latchkey }>(path, 1)
    onTestFinished(() => latchkey.close())
    const { accessToken, accountId } = await user.register('bob@example.com')
    expect(await latchkey.verify(accessToken)).toMatchObject({ subject: accountId, grants: { roles: [], scope: '' } })
    await user.call('POST', '/v1/logout', { token: accessToken })
    await expect.poll(() => codeOf(() => latchkey.verify(accessToken))).toBe('token_inactive')
  })

  it('asks the server about each token of an application, as docs/guides/introspection.md does', async () => {
    const created = await runCommand(deployment, ['clients', 'create', 'an API', '--may-introspect', '--json'])
    const client = JSON.parse(created.output)
    const access = { AUTH_SERVER: server.url, CLIENT_ID: client.id, CLIENT_SECRET: client.client_secret }
    setEnvironment({ ...access, ISSUER: 'https://auth.example.com' })
    const { app, latchkey } = await runBlock<{ app: Express; latchkey: Latchkey }>('docs/guides/introspection.md')
    onTestFinished(() => latchkey.close())
    const url = await serve(app)
    const { accessToken, accountId } = await user.register('eve@example.com')
    const read = async (path: string) => {
      const response = await fetch(`${url}${path}`, { headers: bearer(accessToken) })
      return [response.status, await response.json()]
    }
    expect(await read('/me')).toEqual([200, { id: accountId }])
    expect(await read('/reports')).toMatchObject([403, { code: 'insufficient_scope' }])
    await user.call('POST', '/v1/logout-all', { token: accessToken })
    await expect.poll(() => read('/me')).toMatchObject([401, { code: 'token_inactive' }])
  })

  it('exchanges a token, and verifies the new one by the JWKS', async () => {
    setEnvironment({ AUTH_SERVER: server.url, ISSUER: 'https://auth.example.com' })
    const { exchange } = await runBlock<{ exchange(token: string, audience: string): Promise<string> }>(path, 2)
    const { latchkey } = await runBlock<{ latchkey: Latchkey }>(path, 3)
    onTestFinished(() => latchkey.close())
    const { accessToken, accountId } = await user.register('carol@example.com')
    const { subject, issuedAt, expiresAt } = await latchkey.verify(await exchange(accessToken, 'services'))
    expect(subject).toBe(accountId)
    expect(expiresAt - issuedAt).toBeLessThanOrEqual(300)
  })

  it('verifies an exchanged token in a function', async () => {
    setEnvironment({ AUTH_SERVER: server.url, JWKS_URL: `${server.url}/.well-known/jwks.json` })
    const { exchange } = await runBlock<{ exchange(token: string, audience: string): Promise<string> }>(path, 2)
    const { handler } = await runBlock<{ handler(event: object): Promise<{ statusCode: number; body: string }> }>(
      'docs/guides/serverless.md',
    )
    const { accessToken, accountId } = await user.register('dora@example.com')
    const headers = bearer(await exchange(accessToken, 'services'))
    expect(await handler({ headers })).toMatchObject({ statusCode: 200, body: JSON.stringify({ id: accountId }) })
    const refused = await handler({ headers: {}, cookies: ['theme=dark'] })
    expect([refused.statusCode, JSON.parse(refused.body).code]).toEqual([401, 'credentials_missing'])
  })
})
