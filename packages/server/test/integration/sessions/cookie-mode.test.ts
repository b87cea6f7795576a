import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Browser } from '../../support/browser.js'
import { createAdmin, freshEmail, login, password, register, tokenState } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

const access = '__Host-latchkey'
const refresh = '__Secure-latchkey-refresh'
const device = '__Host-latchkey-device'

/**
 * Makes a token that names the browser's session but is not derived from its secret. Every
 * application behind forward-auth knows the session.
 */
function madeUp(browser: Browser, counter: number): string {
  const bytes = Buffer.from(browser.value(refresh), 'base64url')
  bytes.writeUInt32BE(counter, 16)
  return Buffer.concat([bytes.subarray(0, 20), Buffer.alloc(32, 7)]).toString('base64url')
}

describe.each(databases)('a page that keeps its tokens in cookies, on %s', (database) => {
  let running: TestServer
  /** Two browsers that stay signed in. */
  let ada: Browser
  let bob: Browser

  beforeAll(async () => {
    running = await startServer({ database })
    ada = (await signedIn()).browser
    bob = (await signedIn()).browser
  })
  afterAll(() => running.stop())

  const signedIn = async (email?: string) => {
    const browser = new Browser(running.api)
    const path = email === undefined ? '/v1/register' : '/v1/login'
    const { status, body } = await browser.call('POST', path, { body: { email: email ?? freshEmail(), password } })
    expect(status).toBe(email === undefined ? 201 : 200)
    return { browser, body, email: body.account.email }
  }

  it('signs in, works, refreshes and signs out without ever seeing a token', async () => {
    const { browser, body, email } = await signedIn()
    expect(body).toEqual({
      account: expect.objectContaining({ email }),
      expires_in: 900,
      refresh_expires_in: 1_209_600,
      session_id: expect.any(String),
    })
    expect((await browser.call('GET', '/v1/me')).body).toMatchObject({ email })
    expect((await browser.call('PATCH', '/v1/me', { body: { name: 'Ada' } })).body).toMatchObject({ name: 'Ada' })
    const before = { access: browser.value(access), refresh: browser.value(refresh) }
    const refreshed = await browser.call('POST', '/v1/refresh')
    expect([refreshed.status, Object.keys(refreshed.body).toSorted()]).toEqual([
      200,
      ['expires_in', 'refresh_expires_in', 'session_id'],
    ])
    expect(browser.value(access)).not.toBe(before.access)
    expect(browser.value(refresh)).not.toBe(before.refresh)
    expect((await browser.call('GET', '/v1/me')).status).toBe(200)
    const last = browser.value(access)
    expect((await browser.call('POST', '/v1/logout')).status).toBe(204)
    expect([...browser.cookies.keys()]).toEqual([device])
    expect(await tokenState(running, last)).toBe('session_ended')
    expect((await browser.call('GET', '/v1/me')).body.code).toBe('credentials_missing')
  })

  it('gets cookies that no script, no other host and no other path can read', async () => {
    const { browser } = await signedIn()
    const kept = Object.fromEntries([...browser.cookies].map(([name, { attributes }]) => [name, attributes]))
    expect(kept).toEqual({
      [access]: ['Path=/', 'Max-Age=1209600', 'HttpOnly', 'Secure', 'SameSite=Lax'],
      [refresh]: ['Path=/v1/refresh', 'Max-Age=1209600', 'HttpOnly', 'Secure', 'SameSite=Strict'],
      [device]: ['Path=/', 'Max-Age=15552000', 'HttpOnly', 'Secure', 'SameSite=Strict'],
    })
  })

  it('finds its refresh route also where the server stands below a path', async () => {
    const below = await running.startAnother({ configuration: { issuer: 'https://example.com/auth' } })
    const browser = new Browser(below.api, 'https://example.com')
    await browser.call('POST', '/v1/register', { body: { email: freshEmail(), password } })
    expect(browser.cookies.get(refresh)?.attributes).toContain('Path=/auth/v1/refresh')
    await below.stop()
  })

  it.each(['/v1/logout-all', '/v1/me'])('loses its cookies by %s', async (path) => {
    const { browser } = await signedIn()
    const answer =
      path === '/v1/me' ? await browser.call('DELETE', path, { body: { password } }) : await browser.call('POST', path)
    expect(answer.status).toBe(204)
    expect([...browser.cookies.keys()]).toEqual([device])
  })

  it('changes the password without seeing a token', async () => {
    const { browser } = await signedIn()
    const before = browser.value(access)
    const change = { current_password: password, new_password: 'a different password' }
    const { status, body } = await browser.call('POST', '/v1/me/password', { body: change })
    expect([status, 'access_token' in body, 'refresh_token' in body]).toEqual([200, false, false])
    expect(await tokenState(running, before)).toBe('token_revoked')
    expect((await browser.call('GET', '/v1/me')).status).toBe(200)
    expect((await browser.call('POST', '/v1/refresh')).status).toBe(200)
  })

  it('is recognised at a refresh by its device cookie, which is renewed; the other two cookies alone end the session', async () => {
    const { browser } = await signedIn()
    const refreshed = await browser.call('POST', '/v1/refresh')
    expect(refreshed.headers.getSetCookie().some((line) => line.startsWith(`${device}=`))).toBe(true)
    const { body } = await browser.call('GET', '/v1/me/sessions')
    expect(body.sessions).toMatchObject([{ device_bound: true, grace_uses: 0 }])
    const stolen = new Browser(running.api)
    for (const name of [access, refresh]) {
      const cookie = browser.cookies.get(name)
      if (cookie !== undefined) stolen.cookies.set(name, cookie)
    }
    expect((await stolen.call('POST', '/v1/refresh')).body.code).toBe('refresh_token_reused')
    expect((await browser.call('GET', '/v1/me')).body.code).toBe('session_ended')
  })

  it('gets an answer that its token has expired, and can refresh until the session ends', async () => {
    const { browser } = await signedIn()
    running.clock.advance(20 * 60_000)
    expect((await browser.call('GET', '/v1/me')).body.code).toBe('token_expired')
    expect((await browser.call('POST', '/v1/refresh')).status).toBe(200)
    expect((await browser.call('GET', '/v1/me')).status).toBe(200)
  })

  it('is a known device at its next login, because the device token is a cookie too', async () => {
    const { browser, email } = await signedIn()
    const kept = browser.value(device)
    await browser.call('POST', '/v1/logout')
    await browser.call('POST', '/v1/login', { body: { email, password } })
    expect(browser.value(device)).toBe(kept)
    // Without cookie mode only the header counts.
    const headers = { cookie: `${device}=${kept}` }
    const newDevice = await running.api.post('/v1/login', { body: { email, password }, headers })
    expect(newDevice.body.device_token).not.toBe(kept)
  })

  it('can move an existing session into cookies', async () => {
    const person = await register(running)
    const browser = new Browser(running.api)
    const moved = await browser.call('POST', '/v1/refresh', { body: { refresh_token: person.refreshToken } })
    expect(moved.status).toBe(200)
    expect((await browser.call('GET', '/v1/me')).body.email).toBe(person.email)
  })

  it('can use the routes of administrators', async () => {
    const admin = await createAdmin(running)
    const { browser } = await signedIn(admin.email)
    const person = await register(running)
    const path = `/v1/admin/users/${person.id}`
    expect((await browser.call('PATCH', path, { body: { scope: 'a' } })).status).toBe(200)
    const forged = await browser.call('PATCH', path, { body: { role: 'admin' }, headers: { 'latchkey-mode': '' } })
    expect([forged.status, forged.body.code]).toEqual([403, 'csrf_refused'])
  })

  describe('refreshes only with', () => {
    it.each<[string, (browser: Browser, other: Browser) => Record<string, string>, string]>([
      ['cookies at all', () => ({ cookie: '' }), 'refresh_token_missing'],
      ['cookie mode', () => ({ 'latchkey-mode': '' }), 'refresh_token_missing'],
      ['a known mode', () => ({ 'latchkey-mode': 'cookies' }), 'validation_failed'],
      [
        'one access cookie',
        (own, other) => ({
          cookie: `${access}=${own.value(access)}; ${access}=${other.value(access)}; ${refresh}=${own.value(refresh)}`,
        }),
        'credentials_ambiguous',
      ],
      ['its own access cookie', (own) => ({ cookie: `${refresh}=${own.value(refresh)}` }), 'refresh_token_invalid'],
      [
        'the cookie of the same session: a sibling host cannot sign it in elsewhere',
        (own, other) => ({ cookie: `${access}=${own.value(access)}; ${refresh}=${other.value(refresh)}` }),
        'refresh_token_invalid',
      ],
      [
        'an access cookie with claims',
        (own) => ({ cookie: `${access}=x.${'bnVsbA'}.x; ${refresh}=${own.value(refresh)}` }),
        'refresh_token_invalid',
      ],
      [
        'a genuine token',
        (own) => ({ cookie: `${access}=${own.value(access)}; ${refresh}=${'A'.repeat(4000)}` }),
        'refresh_token_invalid',
      ],
      [
        'a token that is not empty',
        (own) => ({ cookie: `${access}=${own.value(access)}; ${refresh}=` }),
        'refresh_token_missing',
      ],
    ])('%s', async (_, headers, code) => {
      const answer = await ada.call('POST', '/v1/refresh', { headers: headers(ada, bob) })
      expect(answer.body.code).toBe(code)
      expect(answer.headers.getSetCookie()).toEqual([])
      expect((await ada.call('POST', '/v1/refresh')).status).toBe(200)
    })

    it.each<[string, (own: Browser, other: Browser) => readonly string[]]>([
      ['of another session', (_, other) => [other.value(refresh)]],
      ['that is empty', () => ['']],
      ['that is no token', () => ['x', 'A'.repeat(4000)]],
      ['that is invented for this session', (own) => [madeUp(own, 0), madeUp(own, 1), madeUp(own, 0xffff_ffff)]],
      ['that is invented, many times over', (own) => Array.from({ length: 100 }, (__, at) => madeUp(own, at))],
    ])('its own cookie, even if a sibling host has set another one: one %s', async (_, planted) => {
      for (const order of ['first', 'last']) {
        const lines = planted(ada, bob).map((value) => `${refresh}=${value}`)
        const own = `${refresh}=${ada.value(refresh)}`
        const cookies = order === 'first' ? [...lines, own] : [own, ...lines]
        const kept = [`${access}=${ada.value(access)}`, `${device}=${ada.value(device)}`]
        const headers = { cookie: [...kept, ...cookies].join('; ') }
        const { status, body } = await ada.call('POST', '/v1/refresh', { headers })
        expect([order, status, body.code]).toEqual([order, 200, undefined])
        expect((await ada.call('GET', '/v1/me')).status).toBe(200)
      }
    })

    it('the newest of its tokens, even if an older one is beside it', async () => {
      const { browser } = await signedIn()
      const older = browser.value(refresh)
      for (let times = 0; times < 2; times += 1) await browser.call('POST', '/v1/refresh')
      running.clock.advance(60_000)
      const kept = `${access}=${browser.value(access)}; ${device}=${browser.value(device)}`
      const own = `${kept}; ${refresh}=${older}; ${refresh}=${browser.value(refresh)}`
      expect((await browser.call('POST', '/v1/refresh', { headers: { cookie: own } })).status).toBe(200)
    })

    it('the token of the body, even if a sibling host has set a cookie', async () => {
      const person = await register(running)
      const browser = new Browser(running.api)
      const call = {
        body: { refresh_token: person.refreshToken },
        headers: { cookie: `${refresh}=${bob.value(refresh)}` },
      }
      expect((await browser.call('POST', '/v1/refresh', call)).status).toBe(200)
    })

    it('one token, of the cookie or of the body', async () => {
      const answer = await ada.call('POST', '/v1/refresh', { body: { refresh_token: bob.value(refresh) } })
      expect([answer.status, answer.body.code]).toEqual([400, 'credentials_ambiguous'])
    })
  })

  describe('is protected from other sites:', () => {
    const origins = [
      ['null', { origin: 'null' }],
      ['another site', { origin: 'https://evil.example' }],
      ['another scheme', { origin: 'https://issuer.test' }],
      ['another port', { origin: 'http://issuer.test:8080' }],
      ['its own port, which no browser writes', { origin: 'http://issuer.test:80' }],
      ['another case, which no browser writes', { origin: 'http://Issuer.test' }],
      ['a longer host', { origin: 'http://issuer.test.evil.example' }],
      ['a host below', { origin: 'http://app.issuer.test' }],
      ['a path', { origin: 'http://issuer.test/' }],
      ['two origins', { origin: 'http://issuer.test http://evil.example' }],
      ['two origins in a list', { origin: 'http://issuer.test, http://evil.example' }],
      ['no origin', { origin: '' }],
      ['an origin without end', { origin: `http://${'a'.repeat(8000)}` }],
      ['a foreign site by its own word', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
      ['a foreign site that claims our origin', { 'sec-fetch-site': 'cross-site' }],
      ['the address bar', { 'sec-fetch-site': 'none' }],
      ['a sibling host that is not listed', { origin: 'http://app.issuer.test', 'sec-fetch-site': 'same-site' }],
      ['nonsense', { 'sec-fetch-site': 'same-origin, same-origin' }],
    ] as const

    it.each(origins)('a change from %s is refused, and so is a login', async (_, headers) => {
      const change = await ada.call('PATCH', '/v1/me', { body: { name: 'Eve' }, headers })
      expect([change.status, change.body.code]).toEqual([403, 'csrf_refused'])
      const visitor = new Browser(running.api)
      for (const [path, sent] of [
        ['/v1/login', { email: 'ada@example.com', password }],
        ['/v1/register', { email: freshEmail(), password }],
        ['/v1/refresh', { refresh_token: 'x' }],
      ] as const) {
        const answer = await visitor.call('POST', path, { body: sent, headers })
        expect([path, answer.status, answer.body.code]).toEqual([path, 403, 'csrf_refused'])
      }
      expect(visitor.cookies.size).toBe(0)
      expect((await ada.call('GET', '/v1/me')).body.name).toBeNull()
    })

    it('a change without the header, which no form can set, is refused on every route', async () => {
      const headers = { 'latchkey-mode': '', 'sec-fetch-site': 'same-origin' }
      for (const [method, path] of [
        ['POST', '/v1/logout'],
        ['POST', '/v1/logout-all'],
        ['PATCH', '/v1/me'],
        ['DELETE', '/v1/me'],
        ['POST', '/v1/me/password'],
        ['POST', '/v1/me/devices'],
        ['DELETE', '/v1/me/sessions/00000000-0000-7000-8000-000000000000'],
      ] as const) {
        const answer = await ada.call(method, path, { headers })
        expect([method, path, answer.status, answer.body.code]).toEqual([method, path, 403, 'csrf_refused'])
      }
      expect((await ada.call('GET', '/v1/me', { headers })).status).toBe(200)
    })

    it('a request that the browser marks as same-origin is accepted, whatever the host', async () => {
      await bob.call('POST', '/v1/refresh')
      const headers = { origin: 'http://localhost:3000', 'sec-fetch-site': 'same-origin' }
      expect((await bob.call('PATCH', '/v1/me', { body: { name: 'Bob' }, headers })).status).toBe(200)
    })

    it('a request with a token in the header needs no such check', async () => {
      const { token } = await register(running)
      const headers = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
      expect((await running.api.patch('/v1/me', { token, body: { name: 'Ada' }, headers })).status).toBe(200)
      const signIn = { email: (await running.api.get('/v1/me', { token })).body.email, password }
      expect((await running.api.post('/v1/login', { body: signIn, headers })).status).toBe(200)
    })
  })

  describe('is refused', () => {
    it.each<[string, (token: string) => string, number, string]>([
      ['the cookie twice', (token) => `${access}=${token}; ${access}=${token}`, 400, 'credentials_ambiguous'],
      ['an empty cookie', () => `${access}=`, 401, 'credentials_missing'],
      ['an empty cookie in quotes', () => `${access}=""`, 401, 'credentials_missing'],
      ['the byte A0 before the name', (token) => `\u00a0${access}=${token}`, 401, 'credentials_missing'],
      ['the byte A0 behind the name', (token) => `${access}\u00a0=${token}`, 401, 'credentials_missing'],
      ['the byte 85 before the name', (token) => `\u0085${access}=${token}`, 401, 'credentials_missing'],
      ['a cookie without a name', (token) => `=${access}=${token}`, 401, 'credentials_missing'],
      ['an endless cookie', () => `${access}=${'a'.repeat(9000)}`, 401, 'token_too_large'],
      ['a name in another case', (token) => `__host-latchkey=${token}`, 401, 'credentials_missing'],
      ['a longer name', (token) => `${access}2=${token}`, 401, 'credentials_missing'],
      ['a refresh token for an access token', () => `${access}=${'A'.repeat(70)}`, 401, 'token_malformed'],
    ])('%s', async (_, cookie, status, code) => {
      const answer = await running.api.get('/v1/me', { headers: { cookie: cookie(ada.value(access)) } })
      expect([answer.status, answer.body.code]).toEqual([status, code])
    })

    it('a token in cookie and header at once', async () => {
      const answer = await ada.call('GET', '/v1/me', { token: ada.value(access) })
      expect([answer.status, answer.body.code]).toEqual([400, 'credentials_ambiguous'])
    })
  })

  it('that does not ask for cookies gets none', async () => {
    const person = await register(running)
    const again = await login(running, person.email)
    const { headers } = await running.api.post('/v1/refresh', { body: { refresh_token: again.refreshToken } })
    expect(headers.getSetCookie()).toEqual([])
    const out = await running.api.post('/v1/logout', { token: person.token })
    expect(out.headers.getSetCookie()).toEqual([])
  })
})
