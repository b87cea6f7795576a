import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { lettersTo } from '../../support/letters.js'
import {
  createAdmin,
  freshEmail,
  login,
  password,
  personOf,
  register,
  registerVerified,
  tokenState,
} from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'
import { addAuthenticator, beginAuthenticator, firstStep, secondStep } from '../../support/totp-app.js'

const minuteMs = 60_000
const confirmPath = '/v1/me/factors/totp/confirm'

describe.each(databases)('the factors of an account on %s', (database) => {
  let running: TestServer

  beforeAll(async () => {
    running = await startServer({ database })
  })
  afterAll(() => running.stop())

  const codeOf = ({ status, body }: { status: number; body: { code?: string } | undefined }) =>
    status < 300 ? status : body?.code
  const factorsOf = async (token: string) => (await running.api.get('/v1/me/factors', { token })).body
  const subjectsTo = async (email: string) => (await lettersTo(running, email)).map(({ subject }) => subject)

  it('begin with an authenticator app, as text, URI and QR code, that its first code confirms', async () => {
    const person = await registerVerified(running)
    const { token } = person
    const { status, body } = await running.api.post('/v1/me/factors/totp', { token })
    expect(status).toBe(201)
    expect(body.secret).toMatch(/^[A-Z2-7]{32}$/)
    const uri = new URL(body.uri)
    expect([uri.protocol, uri.host]).toEqual(['otpauth:', 'totp'])
    expect(decodeURIComponent(uri.pathname)).toBe(`/issuer.test:${person.email}`)
    expect(Object.fromEntries(uri.searchParams)).toMatchObject({
      issuer: 'issuer.test',
      secret: body.secret,
      algorithm: 'SHA1',
      digits: '6',
      period: '30',
    })
    expect(body.qr_svg).toMatch(/^<svg [\s\S]*<\/svg>$/)
    expect(body.qr_svg).not.toMatch(/<script|style=|on\w+=/)
    // Until then it does not count.
    expect(await factorsOf(token)).toEqual({ factors: [], recovery_codes_left: 0, trusted_devices: [] })
    expect((await login(running, person.email)).id).toBe(person.id)
    const { app, recoveryCodes } = await addAuthenticator(running, person)
    expect(new Set(recoveryCodes).size).toBe(10)
    for (const code of recoveryCodes) expect(code).toMatch(/^[0-9A-HJKMNP-TV-Z]{6}(-[0-9A-HJKMNP-TV-Z]{6}){3}$/)
    expect(await factorsOf(token)).toMatchObject({
      factors: [{ id: app.id, kind: 'totp', name: 'Authenticator app', exposed: false }],
      recovery_codes_left: 10,
    })
    expect(await subjectsTo(person.email)).toContain('A second factor was added to your account')
  })

  it('store no secret and no recovery code in the clear', async () => {
    const person = await register(running)
    const { body } = await running.api.post('/v1/me/factors/totp', { token: person.token })
    const { recoveryCodes } = await addAuthenticator(running, person)
    const { store } = running.server.service
    const { rows } = await store.query('select * from server_factors where account_id = $1', [person.id])
    const { rows: hashes } = await store.query('select * from server_recovery_codes where account_id = $1', [person.id])
    const { rows: audit } = await store.query('select * from server_audit where account_id = $1', [person.id])
    const stored = JSON.stringify([rows, hashes, audit])
    expect([rows.length, hashes.length]).toEqual([1, 10])
    for (const secret of [body.secret, ...recoveryCodes]) expect(stored).not.toContain(secret)
    for (const code of recoveryCodes) expect(stored).not.toContain(code.replaceAll('-', ''))
  })

  it('have secrets that decrypt for their account alone', async () => {
    const [one, other] = [await register(running), await register(running)]
    const [{ app }, { app: copied }] = [await addAuthenticator(running, one), await addAuthenticator(running, other)]
    const { store } = running.server.service
    await store.query(
      'update server_factors set data = (select data from server_factors where id = $1) where id = $2',
      [app.id, copied.id],
    )
    // The attacker has copied a secret that they know into the row of another account.
    const first = await firstStep(running, other.email)
    expect((await secondStep(running, first, { code: app.nextCode() })).status).toBe(503)
  })

  it('refuse a wrong code, a late one, and one from another session', async () => {
    const person = await register(running)
    const app = await beginAuthenticator(running, person)
    const confirm = (token: string, code: string) => running.api.post(confirmPath, { token, body: { code } })
    expect(codeOf(await confirm(person.token, app.wrongCode()))).toBe('second_factor_wrong')
    const other = await login(running, person.email)
    expect(codeOf(await confirm(other.token, app.code()))).toBe('challenge_invalid')
    const stranger = await register(running)
    expect(codeOf(await confirm(stranger.token, app.code()))).toBe('challenge_invalid')
    running.clock.advance(9 * minuteMs)
    const again = await login(running, person.email)
    const late = await beginAuthenticator(running, again)
    running.clock.advance(9 * minuteMs)
    expect(codeOf(await confirm(again.token, late.code()))).toBe(200)
  })

  it('have one authenticator app at most, also when two sessions add one at once', async () => {
    const person = await register(running)
    const { app } = await addAuthenticator(running, person)
    const first = await firstStep(running, person.email)
    const { body } = await secondStep(running, first, { code: app.nextCode() })
    expect(codeOf(await running.api.post('/v1/me/factors/totp', { token: body.access_token }))).toBe('factor_exists')
    const other = await register(running)
    const begun = await beginAuthenticator(running, other)
    const confirm = () => running.api.post(confirmPath, { token: other.token, body: { code: begun.code() } })
    const answers = await Promise.all([confirm(), confirm()])
    expect(answers.map(({ status }) => status).toSorted()).not.toEqual([200, 200])
    expect((await factorsOf(other.token)).factors).toHaveLength(1)
  })

  it('change only after a recent sign-in', async () => {
    const person = await register(running)
    running.clock.advance(11 * minuteMs)
    expect(codeOf(await running.api.post('/v1/me/factors/totp', { token: person.token }))).toBe(
      'recent_authentication_required',
    )
    expect((await factorsOf(person.token)).factors).toEqual([])
  })

  it('change only after a sign-in with a second factor, if there is one', async () => {
    const person = await register(running)
    const { app } = await addAuthenticator(running, person)
    const { token } = person
    for (const [method, path] of [
      ['DELETE', `/v1/me/factors/${app.id}`],
      ['POST', '/v1/me/recovery-codes'],
    ] as const) {
      expect(codeOf(await running.api.call(method, path, { token }))).toBe('recent_authentication_required')
    }
    expect((await factorsOf(token)).factors).toHaveLength(1)
  })

  /** Adds an authenticator app, and signs in with it. */
  const createStrong = async () => {
    const registered = await registerVerified(running)
    const { app, recoveryCodes } = await addAuthenticator(running, registered)
    const first = await firstStep(running, registered.email)
    const { body } = await secondStep(running, first, { code: app.nextCode() })
    return { person: personOf(body), earlier: registered, app, recoveryCodes, device: body.device_token }
  }

  it('can be removed, and with the last one the recovery codes and the second step', async () => {
    const { person, app } = await createStrong()
    const { token } = person
    expect(codeOf(await running.api.delete(`/v1/me/factors/${app.id}`, { token }))).toBe(204)
    expect(await factorsOf(token)).toMatchObject({ factors: [], recovery_codes_left: 0 })
    expect((await login(running, person.email)).id).toBe(person.id)
    expect(await subjectsTo(person.email)).toContain('A second factor was removed from your account')
    expect(codeOf(await running.api.delete(`/v1/me/factors/${app.id}`, { token }))).toBe('factor_unknown')
  })

  it('end other sessions where asked for, and no session otherwise', async () => {
    const { person, earlier, app } = await createStrong()
    const { token } = person
    expect((await running.api.post('/v1/me/recovery-codes', { token })).status).toBe(201)
    expect(await tokenState(running, earlier.token)).toBe(200)
    const body = { end_other_sessions: true }
    expect(codeOf(await running.api.delete(`/v1/me/factors/${app.id}`, { token, body }))).toBe(204)
    expect(await tokenState(running, earlier.token)).toBe('session_ended')
    expect(await tokenState(running, token)).toBe(200)
  })

  it('get new recovery codes, which end the old ones', async () => {
    const { person, recoveryCodes } = await createStrong()
    const first = await firstStep(running, person.email)
    const { status, body } = await running.api.post('/v1/me/recovery-codes', { token: person.token })
    expect([status, body.recovery_codes.length]).toEqual([201, 10])
    expect(await subjectsTo(person.email)).toContain('A second factor was added to your account')
    // The change has also ended the unanswered challenge.
    const [old = ''] = recoveryCodes
    const [fresh = ''] = body.recovery_codes
    expect(codeOf(await secondStep(running, first, { recovery_code: fresh }))).toBe('challenge_invalid')
    const next = await firstStep(running, person.email)
    expect(codeOf(await secondStep(running, next, { recovery_code: old }))).toBe('second_factor_wrong')
    expect(codeOf(await secondStep(running, next, { recovery_code: fresh }))).toBe(200)
    expect((await factorsOf(person.token)).recovery_codes_left).toBe(9)
  })

  it('have recovery codes only with a factor', async () => {
    const { token } = await register(running)
    expect(codeOf(await running.api.post('/v1/me/recovery-codes', { token }))).toBe('factor_missing')
  })

  it('can be renamed by their owner alone', async () => {
    const { person, app } = await createStrong()
    const { person: other } = await createStrong()
    const path = `/v1/me/factors/${app.id}`
    const body = { name: 'Ada’s phone' }
    expect(codeOf(await running.api.patch(path, { token: other.token, body }))).toBe('factor_unknown')
    expect(codeOf(await running.api.delete(path, { token: other.token }))).toBe('factor_unknown')
    expect((await running.api.patch(path, { token: person.token, body })).body.name).toBe('Ada’s phone')
    expect((await factorsOf(person.token)).factors.map(({ name }) => name)).toEqual(['Ada’s phone'])
  })

  it('leave an entry for each change in the audit log', async () => {
    const { person, app } = await createStrong()
    const { token } = person
    await running.api.patch(`/v1/me/factors/${app.id}`, { token, body: { name: 'x' } })
    await running.api.post('/v1/me/recovery-codes', { token })
    await running.api.delete(`/v1/me/factors/${app.id}`, { token })
    const admin = await createAdmin(running)
    const { body } = await running.api.get(`/v1/admin/audit?account=${person.id}&limit=3`, { token: admin.token })
    expect(body.entries.map(({ event, actor, session, detail }) => [event, actor, session, detail])).toEqual([
      ['factor_remove', person.id, person.sessionId, { factor: app.id, kind: 'totp' }],
      ['recovery_codes_create', person.id, person.sessionId, null],
      ['factor_rename', person.id, person.sessionId, { factor: app.id, kind: 'totp' }],
    ])
  })

  it('end with the account', async () => {
    const { person } = await createStrong()
    const { status } = await running.api.delete('/v1/me', { token: person.token, body: { password } })
    expect(status).toBe(204)
    for (const table of ['factors', 'recovery_codes', 'challenges', 'trusted_devices']) {
      const statement = `select account_id from server_${table} where account_id = $1`
      expect((await running.server.service.store.query(statement, [person.id])).rows).toEqual([])
    }
  })

  it('of an attacker end when the owner of the address resets the password by mail for the first time', async () => {
    const email = freshEmail()
    const attacker = await register(running, email)
    await addAuthenticator(running, attacker)
    await running.api.post('/v1/password/forgot', { body: { email } })
    const token = (await lettersTo(running, email)).findLast(({ subject }) => subject === 'Reset your password')?.token
    const reset = await running.api.post('/v1/password/reset', { body: { token, new_password: password } })
    expect(reset.status).toBe(204)
    expect((await login(running, email)).id).toBe(attacker.id)
  })

  it('that are not confirmed are deleted after a day, and others are kept', async () => {
    const { person, app } = await createStrong()
    const other = await register(running)
    await beginAuthenticator(running, other)
    const { pruneUnconfirmed } = await import('../../../src/factors/factor-table.js')
    const { store } = running.server.service
    const left = async () => {
      const statement = 'select id from server_factors where account_id in ($1, $2)'
      return (await store.query<{ id: string }>(statement, [person.id, other.id])).rows.map(({ id }) => id)
    }
    await pruneUnconfirmed(store, running.clock.now() - minuteMs)
    expect(await left()).toHaveLength(2)
    await pruneUnconfirmed(store, running.clock.now() + 1)
    expect(await left()).toEqual([app.id])
  })
})
