import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Keyring } from 'latchkey'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startExample } from './support/example-process.js'
import { createTestDatabase } from './support/test-database.js'

const ada = { email: 'ada@example.com', password: 'correct horse' }
const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc')
const secrets = {
  JWT_SECRET: 'the secret that signed for every user',
  SESSION_SECRET: 'the secret that signed the session cookies',
  LATCHKEY_MASTER_KEYS: Keyring.generate('example'),
  LEGACY_UNTIL: new Date(Date.now() + 86_400_000).toISOString(),
}

/** The applications with a route that only editors may use. */
const withDrafts: readonly string[] = ['migrate-jsonwebtoken', 'migrate-nest']

/** Returns the programs to start. Decorators of Nest are compiled first, as by `npm run build`. */
function programsOf(name: string): { readonly before: string; readonly after: string } {
  if (name !== 'migrate-nest') return { before: `${name}/before.ts`, after: `${name}/after.ts` }
  const folder = fileURLToPath(new URL(`../examples/${name}`, import.meta.url))
  execFileSync(process.execPath, [compiler, '-p', folder], { stdio: ['ignore', 'inherit', 'inherit'] })
  return { before: `${name}/dist/before.js`, after: `${name}/dist/after.js` }
}

async function start(file: string, env: Readonly<Record<string, string>>): Promise<string> {
  const { url, stop } = await startExample(file, { ...secrets, ...env })
  onTestFinished(stop)
  return url
}

function signIn(url: string): Promise<Response> {
  const headers = { 'content-type': 'application/json' }
  return fetch(`${url}/login`, { method: 'POST', headers, body: JSON.stringify(ada) })
}

async function tokenOf(url: string): Promise<string> {
  return ((await (await signIn(url)).json()) as { token: string }).token
}

/** Returns the status and the body, or the code of a refusal. */
async function call(method: string, url: string, headers: Readonly<Record<string, string>>): Promise<unknown> {
  const response = await fetch(url, { method, headers })
  const text = await response.text()
  if (text === '') return response.status
  const body = JSON.parse(text)
  return response.ok ? body : (body.code ?? response.status)
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

describe.each([
  ['migrate-jsonwebtoken', { id: '1', theme: 'dark' }],
  ['migrate-passport-jwt', { id: 'user-1', email: ada.email }],
  ['migrate-fastify-jwt', { id: 'user-1', theme: 'dark' }],
  ['migrate-nest', { id: 'user-1', theme: 'dark' }],
])('examples/%s', (name, me) => {
  it('signs no user out by the switch, and can sign out all devices afterwards', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'latchkey-migration-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const env = { DATABASE: join(folder, 'app.db') }
    const programs = programsOf(name)
    const before = await start(programs.before, env)
    const old = await tokenOf(before)
    expect(await call('GET', `${before}/me`, bearer(old))).toEqual(me)

    const after = await start(programs.after, env)
    expect(await call('GET', `${after}/me`, bearer(old))).toEqual(me)
    const fresh = await tokenOf(after)
    expect(await call('GET', `${after}/me`, bearer(fresh))).toEqual(me)
    if (withDrafts.includes(name)) {
      for (const token of [old, fresh]) {
        expect(await call('GET', `${after}/drafts`, bearer(token))).toEqual({ drafts: [] })
      }
    }

    const other = await start(programs.after, env)
    expect(await call('GET', `${other}/me`, bearer(old))).toEqual(me)
    expect(await call('POST', `${after}/sign-out-everywhere`, bearer(old))).toBe(204)
    for (const token of [old, fresh]) {
      expect(await call('GET', `${after}/me`, bearer(token))).toMatch(/token_revoked|401/)
      await expect.poll(() => call('GET', `${other}/me`, bearer(token))).toBe('token_revoked')
    }
    expect(await call('GET', `${other}/me`, bearer(await tokenOf(after)))).toEqual(me)
    expect(await call('GET', `${after}/me`, {})).toBe('credentials_missing')
  })
})

describe('examples/migrate-sessions', () => {
  /** Returns the cookie of this name that a response sets, as a request sends it. */
  const cookieOf = (response: Response, name: string) =>
    response.headers
      .getSetCookie()
      .find((cookie) => cookie.startsWith(`${name}=`))
      ?.split(';')[0] ?? ''

  it('turns sessions into tokens, and ends both with one commit', async () => {
    const database = await createTestDatabase()
    onTestFinished(() => database.drop())
    const env = { DATABASE_URL: database.url }
    const before = await start('migrate-sessions/before.ts', env)
    const [phone, laptop] = [
      cookieOf(await signIn(before), 'connect.sid'),
      cookieOf(await signIn(before), 'connect.sid'),
    ] as const
    expect(await call('GET', `${before}/me`, { cookie: phone })).toEqual({ id: 'user-1' })

    const after = await start('migrate-sessions/after.ts', env)
    const exchanged = await fetch(`${after}/me`, { headers: { cookie: phone } })
    expect(await exchanged.json()).toEqual({ id: 'user-1' })
    const token = cookieOf(exchanged, '__Host-token')
    const fresh = cookieOf(await signIn(after), '__Host-token')
    for (const cookie of [token, fresh]) expect(await call('GET', `${after}/me`, { cookie })).toEqual({ id: 'user-1' })
    expect(cookieOf(await fetch(`${after}/me`, { headers: { cookie: token } }), '__Host-token')).toBe('')

    const origin = { origin: after }
    expect(await call('POST', `${after}/sign-out-everywhere`, { cookie: token, ...origin })).toBe(204)
    for (const cookie of [token, fresh]) expect(await call('GET', `${after}/me`, { cookie })).toBe('token_revoked')
    for (const cookie of [phone, laptop]) {
      expect(await call('GET', `${after}/me`, { cookie })).toBe('credentials_missing')
      expect(await call('GET', `${before}/me`, { cookie })).toBe(401)
    }
    const again = cookieOf(await signIn(after), '__Host-token')
    expect(await call('GET', `${after}/me`, { cookie: again })).toEqual({ id: 'user-1' })
  })
})
