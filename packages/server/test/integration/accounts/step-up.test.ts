import { createLocalJWKSet, decodeJwt, type JSONWebKeySet, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { operator } from '../../../src/audit/operator.js'
import { Authenticator as PasskeyAuthenticator, type RequestOptions } from '../../support/authenticator.js'
import { Browser } from '../../support/browser.js'
import { HeldHasher } from '../../support/held-hasher.js'
import { holdRequest } from '../../support/held-request.js'
import { basic, form, Machines } from '../../support/machines.js'
import { addPasskey } from '../../support/passkeys.js'
import { freshEmail, login, type Person, password, personOf, register, tokenState } from '../../support/people.js'
import { actingAs, addSecondFactor, openSession } from '../../support/second-factor.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'
import { forgeClaims, stealSecret } from '../../support/steal-secret.js'
import { addAuthenticator } from '../../support/totp-app.js'

const minutes = 60_000

describe.each(databases)('a step-up on %s', (database) => {
  let running: TestServer

  beforeAll(async () => {
    running = await startServer({ database })
  })
  afterAll(() => running.stop())

  const stepUp = (token: string, secret = password) =>
    running.api.post('/v1/me/step-up', { token, body: { password: secret } })

  const sessionsOf = async (token: string) => (await running.api.get('/v1/me/sessions', { token })).body.sessions

  const auditOf = async (account: string) => {
    const { rows } = await running.server.service.store.query<{ outcome: string; session: string; detail: string }>(
      `select outcome, session_id as session, detail from server_audit where event = 'step_up' and account_id = $1
       order by id`,
      [account],
    )
    return rows.map(({ detail, ...row }) => ({ ...row, ...JSON.parse(detail) }))
  }

  it('renews the session under another ID, and ends every token from before', async () => {
    const person = await register(running)
    running.clock.advance(12 * minutes)
    const before = await running.api.post('/v1/refresh', { body: { refresh_token: person.refreshToken } })
    const old = before.body.access_token
    const [listed] = await sessionsOf(old)
    const { status, body } = await stepUp(old)
    expect(status).toBe(200)
    const renewed = personOf(body)
    expect(renewed.sessionId).not.toBe(person.sessionId)
    for (const token of [person.token, old]) expect(await tokenState(running, token)).toBe('session_ended')
    for (const refreshToken of [person.refreshToken, before.body.refresh_token]) {
      const { body } = await running.api.post('/v1/refresh', { body: { refresh_token: refreshToken } })
      expect(body.code).toBe('refresh_token_invalid')
    }
    const [session, ...others] = await sessionsOf(renewed.token)
    expect(others).toEqual([])
    expect(session).toMatchObject({ id: renewed.sessionId, current: true, amr: ['pwd'], acr: 'aal1' })
    expect(session?.created_at).toBe(listed?.created_at)
    expect(Date.parse(session?.auth_time ?? '') - Date.parse(listed?.auth_time ?? '')).toBeGreaterThan(11 * minutes)
    const refreshed = await running.api.post('/v1/refresh', { body: { refresh_token: renewed.refreshToken } })
    expect(refreshed.status).toBe(200)
    expect(await auditOf(person.id)).toEqual([
      { outcome: 'done', session: renewed.sessionId, methods: 'pwd', earlier_session: person.sessionId },
    ])
  })

  it('sets the time, the level and the methods of every token of the session', async () => {
    const person = await register(running)
    running.clock.advance(12 * minutes)
    const at = Math.floor(running.clock.now() / 1000)
    const { body } = await stepUp((await login(running, person.email)).token)
    const { auth_time: time, acr, amr } = decodeJwt(body.access_token)
    expect({ acr, amr }).toEqual({ acr: 'aal1', amr: ['pwd'] })
    expect(time).toBeGreaterThanOrEqual(at)
    running.clock.advance(5 * minutes)
    const refreshed = await running.api.post('/v1/refresh', { body: { refresh_token: body.refresh_token } })
    expect(decodeJwt(refreshed.body.access_token)).toMatchObject({ auth_time: time, acr, amr })
    const { authentication } = await running.server.service.latchkey.verify(refreshed.body.access_token)
    expect(authentication).toEqual({ at: time, acr: 'aal1' })
  })

  it('works with tokens in cookies', async () => {
    const browser = new Browser(running.api)
    const signedIn = await browser.call('POST', '/v1/register', { body: { email: freshEmail(), password } })
    const old = browser.value('__Host-latchkey')
    const { status, body } = await browser.call('POST', '/v1/me/step-up', { body: { password } })
    expect(status).toBe(200)
    expect(body.access_token).toBeUndefined()
    expect(body.session_id).not.toBe(signedIn.body.session_id)
    expect(await tokenState(running, old)).toBe('session_ended')
    expect((await browser.call('GET', '/v1/me')).status).toBe(200)
    expect((await browser.call('POST', '/v1/refresh')).status).toBe(200)
    const foreign = { body: { password }, headers: { origin: 'https://evil.example' } }
    expect((await browser.call('POST', '/v1/me/step-up', foreign)).body.code).toBe('csrf_refused')
  })

  it('needs the right password, and guesses at it are delayed and recorded', async () => {
    const person = await register(running)
    const codes = new Set<string>()
    for (let i = 0; i < 20; i += 1) codes.add((await stepUp(person.token, `wrong password ${i}`)).body.code)
    expect([...codes]).toEqual(['password_wrong', 'guess_delayed'])
    expect(await tokenState(running, person.token)).toBe(200)
    expect((await sessionsOf(person.token)).map(({ id }) => id)).toEqual([person.sessionId])
    await expect.poll(() => auditOf(person.id)).toMatchObject([{ outcome: 'refused', reason: 'password_wrong' }])
  })

  it.each([
    [{}],
    [{ password, code: '123456' }],
    [{ code: '123456', challenge_token: 'x' }],
    [{ challenge_token: 'x' }],
    [{ passkey: {} }],
    [{ password, passkey: {}, challenge_token: 'x' }],
  ])('needs one proof: %j', async (body) => {
    const { token } = await register(running)
    expect((await running.api.post('/v1/me/step-up', { token, body })).body.code).toBe('validation_failed')
    expect(await tokenState(running, token)).toBe(200)
  })

  it('needs the second factor of an account that has one: its password is not enough', async () => {
    const person = await register(running)
    const { app } = await addAuthenticator(running, person)
    const { status, body } = await stepUp(person.token)
    expect([status, body.code, body.methods]).toEqual([403, 'password_insufficient', ['totp']])
    expect(await tokenState(running, person.token)).toBe(200)
    const code = { token: person.token, body: { code: app.nextCode() } }
    const { body: renewed } = await running.api.post('/v1/me/step-up', code)
    expect(decodeJwt(renewed.access_token)).toMatchObject({ acr: 'aal2', amr: ['pwd', 'otp', 'mfa'] })
    expect(await sessionsOf(renewed.access_token)).toMatchObject([{ acr: 'aal2', amr: ['pwd', 'otp', 'mfa'] }])
    const { authentication } = await running.server.service.latchkey.verify(renewed.access_token)
    expect(authentication?.acr).toBe('aal2')
  })

  it('counts wrong codes for all sessions of the account', async () => {
    const person = await register(running)
    const { app } = await addAuthenticator(running, person)
    const codes = new Set<string>()
    for (let i = 0; i < 20; i += 1) {
      // A thief of the password gets a new session for each guess from a trusted device.
      const { token } = await openSession(running, person, ['pwd'])
      const { body } = await running.api.post('/v1/me/step-up', { token, body: { code: app.wrongCode() } })
      codes.add(body.code)
    }
    expect([...codes]).toEqual(['second_factor_wrong', 'guess_delayed'])
    const right = { token: person.token, body: { code: app.code(1) } }
    expect((await running.api.post('/v1/me/step-up', right)).body.code).toBe('guess_delayed')
    expect(await tokenState(running, person.token)).toBe(200)
  })

  it('refuses a code that another step-up has used', async () => {
    const person = await register(running)
    const { app } = await addAuthenticator(running, person)
    const other = await openSession(running, person)
    const code = app.nextCode()
    const answers = await Promise.all(
      [person.token, other.token].map((token) => running.api.post('/v1/me/step-up', { token, body: { code } })),
    )
    const outcomes = answers.map(({ status, body }) => (status === 200 ? 'renewed' : body.code))
    expect(outcomes.filter((outcome) => outcome === 'renewed')).toHaveLength(1)
  })

  it('accepts a passkey of the account, for the session that has asked for its challenge', async () => {
    const person = await register(running)
    const authenticator = new PasskeyAuthenticator()
    await addPasskey(running, person, authenticator)
    const other = await openSession(running, person)
    const begun = async (token: string) => (await running.api.post('/v1/me/step-up/options', { token })).body
    const { challenge_token, options } = await begun(person.token)
    const body = { challenge_token, passkey: authenticator.get(options as RequestOptions) }
    const elsewhere = await running.api.post('/v1/me/step-up', { token: other.token, body })
    expect(elsewhere.body.code).toBe('challenge_invalid')
    const again = await begun(person.token)
    const proof = { ...again, passkey: authenticator.get(again.options as RequestOptions) }
    const answer = { challenge_token: proof.challenge_token, passkey: proof.passkey }
    const { body: renewed } = await running.api.post('/v1/me/step-up', { token: person.token, body: answer })
    expect(decodeJwt(renewed.access_token)).toMatchObject({ acr: 'aal2', amr: ['hwk', 'mfa'] })
  })

  it('does not make another session of the account stronger or more recent', async () => {
    const person = await register(running)
    const other = await login(running, person.email)
    running.clock.advance(11 * minutes)
    const { body } = await stepUp(person.token)
    expect(await tokenState(running, other.token)).toBe(200)
    const { recentAuthentication: recent, store } = running.server.service
    await recent.check(store, await actingAs(running, personOf(body)))
    const check = async () => recent.check(store, await actingAs(running, other))
    await expect(check()).rejects.toMatchObject({ code: 'recent_authentication_required' })
  })

  it('succeeds once of several at the same time, and leaves one session', async () => {
    const person = await register(running)
    const answers = await Promise.all([1, 2, 3, 4].map(() => stepUp(person.token)))
    const done = answers.filter(({ status }) => status === 200)
    expect(done).toHaveLength(1)
    const refused = answers.filter(({ status }) => status !== 200).map(({ body }) => body.code)
    expect(new Set(refused)).toEqual(new Set(['session_ended']))
    expect(await sessionsOf(done[0]?.body.access_token ?? '')).toHaveLength(1)
  })

  it.each<[string, string, (person: Person) => Promise<unknown>]>([
    ['the session ends', 'session_ended', ({ token }) => running.api.post('/v1/logout', { token })],
    ['the session is renewed by another request', 'session_ended', ({ token }) => stepUp(token)],
    [
      'the account is disabled',
      'token_revoked',
      ({ id }) => running.server.service.administration.disable(operator, id),
    ],
  ])('that is held back while %s is refused', async (_, code, end) => {
    const person = await register(running)
    const held = await holdRequest(running.url, 'POST', '/v1/me/step-up', { token: person.token, body: { password } })
    await running.api.get('/livez')
    await end(person).catch(() => {})
    expect((await held.release()).code).toBe(code)
  })

  it('that is held back while the account gets a second factor is refused', async () => {
    const person = await register(running)
    const held = await holdRequest(running.url, 'POST', '/v1/me/step-up', { token: person.token, body: { password } })
    await addSecondFactor(running, person.id)
    expect((await held.release()).code).toBe('password_insufficient')
    expect(await tokenState(running, person.token)).toBe(200)
  })

  it('cannot be forged: other services get the real time and level, whatever the stolen secret signs', async () => {
    const person = await register(running)
    const signedInAt = Math.floor(running.clock.now() / 1000)
    running.clock.advance(14 * minutes)
    const secret = await stealSecret(running, person.id)
    const now = Math.floor(running.clock.now() / 1000)
    const forged = forgeClaims(person.token, secret, { auth_time: now, acr: 'aal2', amr: ['pwd', 'otp', 'mfa'] })
    expect(await tokenState(running, forged), 'the secret is the real one').toBe(200)

    const machines = await Machines.with(running)
    const machine = await machines.create({ may_introspect: true })
    const { body: described } = await running.api.post('/oauth/introspect', form({ token: forged }, basic(machine)))
    expect(described).toMatchObject({ active: true, acr: 'aal1' })
    expect(described.auth_time).toBeLessThanOrEqual(signedInAt + 60)

    const grant = 'urn:ietf:params:oauth:grant-type:token-exchange'
    const type = 'urn:ietf:params:oauth:token-type:access_token'
    const request = form({ grant_type: grant, subject_token: forged, subject_token_type: type })
    const { body: exchanged } = await running.api.post('/oauth/token', request)
    const { body: keySet } = await running.api.get('/.well-known/jwks.json')
    const verified = await jwtVerify(exchanged.access_token, createLocalJWKSet(keySet as unknown as JSONWebKeySet), {
      currentDate: new Date(running.clock.now()),
    })
    expect(verified.payload).toMatchObject({ acr: 'aal1', auth_time: described.auth_time })
    expect(verified.payload.amr).toBeUndefined()
  })
})

describe.each(databases)('a sensitive change of the own account on %s', (database) => {
  let running: TestServer

  beforeAll(async () => {
    running = await startServer({ database })
  })
  afterAll(() => running.stop())

  const changes = [
    [
      'POST',
      '/v1/me/password',
      () => ({ current_password: password, new_password: 'a different password altogether' }),
    ],
    ['PATCH', '/v1/me', () => ({ email: freshEmail(), password })],
    ['POST', '/v1/me/devices', () => ({ password })],
    ['DELETE', '/v1/me', () => ({ password })],
  ] as const

  it.each(changes)('accepts the password alone where there is no second factor: %s %s', async (method, path, body) => {
    const { token } = await register(running)
    running.clock.advance(14 * minutes)
    expect((await running.api.call(method, path, { token, body: body() })).status).toBeLessThan(300)
  })

  it.each(changes)('needs a recent second factor beside the password: %s %s', async (method, path, body) => {
    const person = await register(running)
    const early = await openSession(running, person)
    await addSecondFactor(running, person.id)
    const weak = await running.api.call(method, path, { token: person.token, body: body() })
    expect([weak.status, weak.body.code]).toEqual([401, 'recent_authentication_required'])
    expect(weak.body).toMatchObject({ methods: ['totp'], acr: 'aal2', max_age: 600 })
    expect(weak.headers.get('www-authenticate')).toMatch(
      /^Bearer error="insufficient_user_authentication", error_description="[^"\\]+", acr_values="aal2", max_age="600"$/,
    )
    running.clock.advance(10 * minutes + 1000)
    const late = await running.api.call(method, path, { token: early.token, body: body() })
    expect(late.body.code).toBe('recent_authentication_required')
    const wrong = { ...body(), ...('current_password' in body() ? { current_password: 'x' } : { password: 'x' }) }
    const guess = await running.api.call(method, path, { token: early.token, body: wrong })
    expect(guess.body.code, 'a stolen session does not learn whether a password is right').toBe(late.body.code)
    const strong = await openSession(running, person)
    expect((await running.api.call(method, path, { token: strong.token, body: body() })).status).toBeLessThan(300)
  })

  it('takes no time from the future for recent, as after a clock was set back', async () => {
    const person = await register(running)
    const { recentAuthentication: recent, store } = running.server.service
    const acting = await actingAs(running, person)
    const shift = (ms: number | null) =>
      store.query('update server_sessions set authenticated_at = $2 where id = $1', [
        person.sessionId,
        ms === null ? null : running.clock.now() + ms,
      ])
    const outcome = () =>
      recent.check(store, acting).then(
        () => 'passed',
        (error: { code: string }) => error.code,
      )
    expect(await outcome()).toBe('passed')
    for (const ms of [60_000, 3_600_000, -601_000, null]) {
      await shift(ms)
      expect([ms, await outcome()]).toEqual([ms, 'recent_authentication_required'])
    }
    for (const ms of [2000, 0, -599_000]) {
      await shift(ms)
      expect([ms, await outcome()]).toEqual([ms, 'passed'])
    }
  })
})

describe.each(databases)(
  'a change on %s whose account gets a second factor while its password is checked',
  (database) => {
    it.each([
      ['POST', '/v1/me/password', { current_password: password, new_password: 'a different password altogether' }],
      ['PATCH', '/v1/me', { email: 'new@example.com', password }],
      ['POST', '/v1/me/devices', { password }],
      ['DELETE', '/v1/me', { password }],
      ['POST', '/v1/me/step-up', { password }],
    ] as const)('is refused: %s %s', async (method, path, body) => {
      const passwords = new HeldHasher()
      const running = await startServer({ database, parts: { passwords } })
      onTestFinished(() => running.stop())
      const person = await register(running)
      passwords.isHeld = true
      const changing = running.api.call(method, path, { token: person.token, body })
      await expect.poll(() => passwords.running).toBe(1)
      await addSecondFactor(running, person.id)
      passwords.release()
      const code = path === '/v1/me/step-up' ? 'password_insufficient' : 'recent_authentication_required'
      expect((await changing).body.code).toBe(code)
      expect(await tokenState(running, person.token)).toBe(200)
      expect((await running.api.get('/v1/me', { token: person.token })).body.email).toBe(person.email)
    })
  },
)
