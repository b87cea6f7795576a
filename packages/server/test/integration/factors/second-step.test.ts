import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { insertFactor } from '../../../src/factors/factor-table.js'
import { lockAccounts } from '../../../src/sessions/account-lock.js'
import { uuidV7 } from '../../../src/uuid.js'
import { Browser } from '../../support/browser.js'
import { HeldHasher } from '../../support/held-hasher.js'
import { lettersTo } from '../../support/letters.js'
import {
  createAdmin,
  freshEmail,
  type Person,
  password,
  personOf,
  register,
  registerVerified,
  tokenState,
} from '../../support/people.js'
import { openSession } from '../../support/second-factor.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'
import {
  type Authenticator,
  addAuthenticator,
  type Device,
  firstStep,
  type SecondStep,
  secondStep,
} from '../../support/totp-app.js'

const minuteMs = 60_000

/** A person with an authenticator app. */
interface Owner {
  readonly person: Person
  readonly app: Authenticator
  readonly recoveryCodes: readonly string[]
}

describe.each(databases)('the second step of a sign-in on %s', (database) => {
  let running: TestServer

  beforeAll(async () => {
    running = await startServer({
      database,
      configuration: { trustedProxies: ['127.0.0.1'] },
    })
  })
  afterAll(() => running.stop())

  const createOwner = async (): Promise<Owner> => {
    const person = await register(running)
    return { person, ...(await addAuthenticator(running, person)) }
  }
  const alarms = async ({ email }: Person) =>
    (await lettersTo(running, email)).filter(({ subject }) => subject === 'Someone may know your password').length
  const codeOf = ({ status, body }: { status: number; body: { code?: string } }) => (status === 200 ? 200 : body.code)
  const signIn = async ({ person }: Owner, answer: SecondStep, device: Device = {}) =>
    secondStep(running, await firstStep(running, person.email, device), answer, device)
  /** Sends the password several times, one after another, because the logins share a bucket. */
  const firstSteps = async (email: string, count: number) => {
    const answers = []
    for (let sent = 0; sent < count; sent += 1) answers.push(await firstStep(running, email))
    return answers
  }
  const sessionsOf = async (id: string) => {
    const { rows } = await running.server.service.store.query<{ id: string; amr: string }>(
      'select id, amr from server_sessions where account_id = $1 order by created_at, id',
      [id],
    )
    return rows
  }

  it('is required after the right password, which alone opens no session', async () => {
    const { person, app } = await createOwner()
    const before = await sessionsOf(person.id)
    const first = await firstStep(running, person.email)
    expect([first.status, first.body.code]).toEqual([403, 'second_factor_required'])
    expect(first.body).toMatchObject({ methods: ['totp', 'recovery_code'], expires_in: 600 })
    expect(first.body).not.toHaveProperty('access_token')
    expect(await sessionsOf(person.id)).toEqual(before)
    const second = await secondStep(running, first, { code: app.nextCode() })
    expect(second.status).toBe(200)
    expect(await tokenState(running, second.body.access_token)).toBe(200)
    expect((await sessionsOf(person.id)).at(-1)?.amr).toBe('pwd otp mfa')
  })

  it('is not revealed by the answer to a wrong password', async () => {
    const { person } = await createOwner()
    const other = await register(running)
    const answers = []
    for (const [index, email] of [person.email, other.email, freshEmail()].entries()) {
      const { status, body } = await firstStep(running, email, { from: `192.0.2.${index}` }, 'a wrong password')
      answers.push({ status, body: { ...body, request_id: '' } })
    }
    expect(answers[0]).toMatchObject({ status: 401, body: { code: 'invalid_credentials' } })
    expect(answers[1]).toEqual(answers[0])
    expect(answers[2]).toEqual(answers[0])
  })

  it('accepts a code once, for any challenge', async () => {
    const owner = await createOwner()
    const code = owner.app.nextCode()
    expect(codeOf(await signIn(owner, { code }))).toBe(200)
    expect(codeOf(await signIn(owner, { code }))).toBe('second_factor_wrong')
  })

  it('refuses the code that has confirmed the authenticator app', async () => {
    const owner = await createOwner()
    expect(codeOf(await signIn(owner, { code: owner.app.code() }))).toBe('second_factor_wrong')
  })

  it('refuses the code of an earlier step after that of a later one', async () => {
    const owner = await createOwner()
    const earlier = owner.app.nextCode()
    expect(codeOf(await signIn(owner, { code: owner.app.nextCode() }))).toBe(200)
    expect(codeOf(await signIn(owner, { code: earlier }))).toBe('second_factor_wrong')
  })

  it('accepts one of several simultaneous uses of a code', async () => {
    const owner = await createOwner()
    const { email } = owner.person
    const steps = await firstSteps(email, 4)
    const code = owner.app.nextCode()
    const answers = await Promise.all(steps.map((first) => secondStep(running, first, { code })))
    expect(answers.map(codeOf).toSorted()).toEqual([
      200,
      'second_factor_wrong',
      'second_factor_wrong',
      'second_factor_wrong',
    ])
  })

  it('accepts a recovery code once, also in parallel, in any spelling, and informs the owner', async () => {
    const person = await registerVerified(running)
    const owner = { person, ...(await addAuthenticator(running, person)) }
    const [first = '', second = ''] = owner.recoveryCodes
    expect(owner.recoveryCodes).toHaveLength(10)
    const steps = await firstSteps(person.email, 3)
    const answers = await Promise.all(steps.map((step) => secondStep(running, step, { recovery_code: first })))
    expect(answers.map(codeOf).toSorted()).toEqual([200, 'second_factor_wrong', 'second_factor_wrong'])
    const typed = ` ${second.replaceAll('-', ' ').toLowerCase().replaceAll('0', 'o').replaceAll('1', 'l')} `
    expect(codeOf(await signIn(owner, { recovery_code: typed }))).toBe(200)
    const subjects = (await lettersTo(running, person.email)).map(({ subject }) => subject)
    expect(subjects.filter((subject) => subject === 'A recovery code of your account was used')).toHaveLength(2)
    expect((await sessionsOf(person.id)).at(-1)?.amr).toBe('pwd otp mfa')
  })

  it('refuses codes of another account', async () => {
    const [one, other] = [await createOwner(), await createOwner()]
    expect(codeOf(await signIn(one, { code: other.app.nextCode() }))).toBe('second_factor_wrong')
    expect(codeOf(await signIn(one, { recovery_code: other.recoveryCodes[0] ?? '' }))).toBe('second_factor_wrong')
  })

  it('redeems a challenge once, and for ten minutes', async () => {
    const owner = await createOwner()
    const first = await firstStep(running, owner.person.email)
    expect(codeOf(await secondStep(running, first, { code: owner.app.nextCode() }))).toBe(200)
    expect(codeOf(await secondStep(running, first, { code: owner.app.nextCode() }))).toBe('challenge_invalid')
    const late = await firstStep(running, owner.person.email)
    running.clock.advance(10 * minuteMs)
    expect(codeOf(await secondStep(running, late, { code: owner.app.code() }))).toBe('challenge_invalid')
  })

  it('keeps a challenge after a wrong code, which does not say anything about the password', async () => {
    const owner = await createOwner()
    const first = await firstStep(running, owner.person.email)
    const wrong = await secondStep(running, first, { code: owner.app.wrongCode() })
    expect([wrong.status, wrong.body.code]).toEqual([403, 'second_factor_wrong'])
    expect(codeOf(await secondStep(running, first, { code: owner.app.nextCode() }))).toBe(200)
  })

  it('works only on the device that has sent the password', async () => {
    const owner = await createOwner()
    const stranger = await register(running)
    const first = await firstStep(running, owner.person.email)
    const other = await firstStep(running, stranger.email)
    const code = owner.app.nextCode()
    for (const token of [other.body.device_token, 'A'.repeat(43), undefined]) {
      expect(codeOf(await secondStep(running, first, { code }, { token }))).toBe('challenge_invalid')
    }
    expect(codeOf(await secondStep(running, first, { code }))).toBe(200)
  })

  it('delays guesses after five wrong codes, whatever the challenge, and for the right code too', async () => {
    const owner = await createOwner()
    running.clock.advance(30_000)
    const wrong = { code: owner.app.wrongCode() }
    const steps = await firstSteps(owner.person.email, 20)
    // The clock stands still, so that the delay does not pass on a slow machine.
    const standingStill = vi.spyOn(running.clock, 'now').mockReturnValue(running.clock.now())
    const answers = await Promise.all(steps.map((first) => secondStep(running, first, wrong)))
    standingStill.mockRestore()
    const compared = answers.filter(({ body }) => body.code === 'second_factor_wrong')
    expect(compared.length).toBeGreaterThan(0)
    expect(compared.length).toBeLessThanOrEqual(5)
    expect(new Set(answers.map(codeOf))).toEqual(new Set(['second_factor_wrong', 'guess_delayed']))
    const late = await firstStep(running, owner.person.email)
    for (let count = 0; count < 5; count += 1) await secondStep(running, late, wrong)
    const delayed = await secondStep(running, late, { code: owner.app.code() })
    expect(codeOf(delayed)).toBe('guess_delayed')
    running.clock.advance(Number(delayed.headers.get('retry-after')) * 1000)
    expect(codeOf(await secondStep(running, late, { code: owner.app.code() }))).toBe(200)
  })

  it('informs the owner once of guesses after the right password, and again after a success', async () => {
    const person = await registerVerified(running)
    const owner = { person, ...(await addAuthenticator(running, person)) }
    const guess = async (count: number) => {
      for (let done = 0; done < count; done += 1) {
        running.clock.advance(20 * minuteMs)
        const answer = done % 2 === 0 ? { code: owner.app.wrongCode() } : { recovery_code: 'WRONG0-WRONG0' }
        expect(codeOf(await signIn(owner, answer))).toBe('second_factor_wrong')
      }
    }
    expect(await alarms(person)).toBe(0)
    await guess(4)
    await firstStep(running, person.email, {}, 'a wrong password')
    expect(await alarms(person)).toBe(0)
    await guess(1)
    expect(await alarms(person)).toBe(1)
    await guess(6)
    expect(await alarms(person)).toBe(1)
    running.clock.advance(20 * minuteMs)
    expect(codeOf(await signIn(owner, { code: owner.app.code() }))).toBe(200)
    running.clock.advance(24 * 60 * minuteMs)
    await guess(5)
    expect(await alarms(person)).toBe(2)
  })

  it('does not delay a known device or network when another device guesses', async () => {
    const owner = await createOwner()
    const first = await firstStep(running, owner.person.email, { from: '198.51.100.8' })
    const { body } = await secondStep(running, first, { code: owner.app.nextCode() }, { from: '198.51.100.8' })
    const attack = await firstStep(running, owner.person.email, { from: '203.0.113.9' })
    const wrong = { code: owner.app.wrongCode() }
    const guess = () => secondStep(running, attack, wrong, { from: '203.0.113.9' })
    for (let count = 0; count < 8; count += 1) await guess()
    expect(codeOf(await guess())).toBe('guess_delayed')
    const elsewhere = { from: '192.0.2.44' }
    expect(codeOf(await signIn(owner, { code: owner.app.code() }, elsewhere))).toBe('guess_delayed')
    const known = { token: body.device_token, ...elsewhere }
    expect(codeOf(await signIn(owner, { code: owner.app.nextCode() }, known))).toBe(200)
    // The network of an earlier sign-in is known too.
    expect(codeOf(await signIn(owner, { code: owner.app.nextCode() }, { from: '198.51.100.8' }))).toBe(200)
  })

  it('compares no code of an app after a hundred wrong ones in a row, but still recovery codes', async () => {
    const person = await registerVerified(running)
    const owner = { person, ...(await addAuthenticator(running, person)) }
    for (let count = 0; count < 100; count += 1) {
      running.clock.advance(20 * minuteMs)
      const first = await firstStep(running, owner.person.email)
      expect(codeOf(await secondStep(running, first, { code: owner.app.wrongCode() }))).toBe('second_factor_wrong')
    }
    running.clock.advance(20 * minuteMs)
    expect(codeOf(await signIn(owner, { code: owner.app.code() }))).toBe('second_factor_blocked')
    // At the first delay, and at the block.
    expect(await alarms(person)).toBe(2)
    const { token } = await createAdmin(running)
    const { body } = await running.api.get(`/v1/admin/audit?account=${person.id}&event=second_factor`, { token })
    // The count of the wrong ones is written at any time.
    expect(body.entries.map(({ detail }) => detail)).toContainEqual({ reason: 'second_factor_blocked', method: 'totp' })
    running.clock.advance(20 * minuteMs)
    expect(codeOf(await signIn(owner, { recovery_code: owner.recoveryCodes[0] ?? '' }))).toBe(200)
    running.clock.advance(20 * minuteMs)
    expect(codeOf(await signIn(owner, { code: owner.app.code() }))).toBe(200)
  })

  it.each([
    ['disabled', 'account_disabled', ({ id }: Person, admin: string) => disable(id, admin)],
    [
      'deleted',
      'challenge_invalid',
      ({ token }: Person) => running.api.delete('/v1/me', { token, body: { password } }),
    ],
    [
      'given another password',
      'challenge_invalid',
      ({ token }: Person) =>
        running.api.post('/v1/me/password', {
          token,
          body: { current_password: password, new_password: 'a different password altogether' },
        }),
    ],
  ] as const)('is refused if the account was %s after the first one', async (_, code, change) => {
    const { token: admin } = await createAdmin(running)
    const owner = await createOwner()
    const first = await firstStep(running, owner.person.email)
    // The owner has another session that began with the second factor.
    expect((await change(await openSession(running, owner.person), admin)).status).toBeLessThan(300)
    const before = await sessionsOf(owner.person.id)
    expect(codeOf(await secondStep(running, first, { code: owner.app.nextCode() }))).toBe(code)
    expect(await sessionsOf(owner.person.id)).toEqual(before)
  })

  const disable = (id: string, token: string) => running.api.post(`/v1/admin/users/${id}/disable`, { token })

  it('is what makes a device known, and sends the notice of a new device', async () => {
    const person = await registerVerified(running)
    const { app } = await addAuthenticator(running, person)
    const notices = async () =>
      (await lettersTo(running, person.email)).filter(({ subject }) => subject === 'New sign-in to your account').length
    const from = '198.51.100.77'
    const first = await firstStep(running, person.email, { from })
    const token = first.body.device_token
    expect(await notices()).toBe(0)
    // The device is not known yet: wrong passwords of others delay it.
    const { guesses } = running.server.service
    const known = async () => (await guesses.recall({ account: person.id, network: from, device: token })).knownDevice
    expect(await known()).toBeUndefined()
    expect((await secondStep(running, first, { code: app.nextCode() }, { token, from })).status).toBe(200)
    expect(await known()).toBe(token)
    expect(await notices()).toBe(1)
  })

  it('works with cookies', async () => {
    const { person, app } = await createOwner()
    const browser = new Browser(running.api)
    const first = await browser.call('POST', '/v1/login', { body: { email: person.email, password } })
    expect([first.status, first.body.code, first.body.device_token]).toEqual([403, 'second_factor_required', undefined])
    expect([...browser.cookies.keys()]).toEqual(['__Host-latchkey-device'])
    const body = { challenge_token: first.body.challenge_token, code: app.nextCode() }
    const second = await browser.call('POST', '/v1/login/second-factor', { body })
    expect([second.status, second.body.access_token]).toEqual([200, undefined])
    expect((await browser.call('GET', '/v1/me')).body.email).toBe(person.email)
    const foreign = await new Browser(running.api, 'https://evil.example').call('POST', '/v1/login/second-factor', {
      body,
    })
    expect(foreign.body.code).toBe('csrf_refused')
  })

  it('takes exactly one answer', async () => {
    const owner = await createOwner()
    const first = await firstStep(running, owner.person.email)
    const both = { code: owner.app.nextCode(), recovery_code: owner.recoveryCodes[0] ?? '' }
    expect(codeOf(await secondStep(running, first, both))).toBe('validation_failed')
    expect(codeOf(await secondStep(running, first, {}))).toBe('validation_failed')
  })

  it('is in the audit log, with the method and without the code', async () => {
    const { token } = await createAdmin(running)
    const owner = await createOwner()
    const code = owner.app.nextCode()
    const first = await firstStep(running, owner.person.email)
    await secondStep(running, first, { code: owner.app.wrongCode() })
    await secondStep(running, first, { code })
    const { body } = await running.api.get(`/v1/admin/audit?account=${owner.person.id}&limit=4`, { token })
    expect(body.entries.map(({ event, outcome, detail }) => [event, outcome, detail])).toEqual([
      ['login', 'done', { second_factor: 'totp' }],
      ['second_factor', 'refused', { reason: 'second_factor_wrong', method: 'totp' }],
      ['login', 'refused', { reason: 'second_factor_required' }],
      ['factor_add', 'done', { factor: owner.app.id, kind: 'totp' }],
    ])
  })
})

describe.each(databases)('a factor that is added on %s while the password is compared', (database) => {
  it('is required by that sign-in', async () => {
    const passwords = new HeldHasher()
    const running = await startServer({ database, parts: { passwords } })
    const person = await register(running)
    passwords.isHeld = true
    const login = firstStep(running, person.email)
    await expect.poll(() => passwords.running).toBe(1)
    await addAuthenticator(running, person)
    passwords.release()
    const { status, body } = await login
    expect([status, body.code]).toEqual([403, 'second_factor_required'])
    await running.stop()
  })
})

describe('a factor whose transaction commits on PostgreSQL while a sign-in waits for the account', () => {
  it('is required by that sign-in', async () => {
    const running = await startServer({ database: 'postgres' })
    const person = await register(running)
    const { store } = running.server.service
    let login: ReturnType<typeof firstStep> | undefined
    await store.transaction(async (client) => {
      await lockAccounts(client, [person.id])
      const at = Date.now()
      await insertFactor(client, {
        id: uuidV7(at),
        accountId: person.id,
        kind: 'totp',
        name: 'app',
        credentialId: null,
        data: '{}',
        createdAt: at,
        confirmedAt: at,
        lastUsedAt: null,
      })
      login = firstStep(running, person.email)
      const waiting = `select pid from pg_locks where not granted`
      await expect.poll(async () => (await store.query(waiting)).rows.length).toBeGreaterThan(0)
    })
    const answer = await login
    expect(answer?.body.code).toBe('second_factor_required')
    await running.stop()
  })
})

describe('the end of the trust in a device, which commits on PostgreSQL while a sign-in waits for the account,', () => {
  it('makes that sign-in require the second factor', async () => {
    const running = await startServer({ database: 'postgres' })
    const person = await register(running)
    const { app } = await addAuthenticator(running, person)
    const first = await firstStep(running, person.email)
    const { body } = await secondStep(running, first, { code: app.nextCode(), trust_device: true })
    const { store, trustedDevices } = running.server.service
    let login: ReturnType<typeof firstStep> | undefined
    await store.transaction(async (client) => {
      await lockAccounts(client, [person.id])
      login = firstStep(running, person.email, { token: body.device_token })
      const waiting = `select pid from pg_locks where not granted`
      await expect.poll(async () => (await store.query(waiting)).rows.length).toBeGreaterThan(0)
      await trustedDevices.revokeAll(client, person.id)
    })
    const answer = await login
    expect(answer?.body.code).toBe('second_factor_required')
    await running.stop()
  })
})

describe.each(databases)('a trusted device on %s', (database) => {
  let running: TestServer

  beforeAll(async () => {
    running = await startServer({ database })
  })
  afterAll(() => running.stop())

  /** Signs in with the second factor, and trusts the device. */
  const createTrusting = async () => {
    const person = await registerVerified(running)
    const { app } = await addAuthenticator(running, person)
    const first = await firstStep(running, person.email)
    const { body } = await secondStep(running, first, { code: app.nextCode(), trust_device: true })
    return { app, person: personOf(body), device: { token: body.device_token } }
  }
  const codeOf = ({ status, body }: { status: number; body: { code?: string } }) => (status === 200 ? 200 : body.code)

  it('signs in with the password alone, and no other device does', async () => {
    const { person, device } = await createTrusting()
    const { status, body } = await firstStep(running, person.email, device)
    expect(status).toBe(200)
    const { rows } = await running.server.service.store.query<{ amr: string }>(
      'select amr from server_sessions where id = $1',
      [body.session_id],
    )
    expect(rows).toEqual([{ amr: 'pwd' }])
    expect(codeOf(await firstStep(running, person.email))).toBe('second_factor_required')
    const other = await register(running)
    const { app } = await addAuthenticator(running, other)
    expect(codeOf(await firstStep(running, other.email, device))).toBe('second_factor_required')
    expect(app.id).not.toBe('')
  })

  it('is not trusted unless its user asks for it', async () => {
    const person = await register(running)
    const { app } = await addAuthenticator(running, person)
    const first = await firstStep(running, person.email)
    const { body } = await secondStep(running, first, { code: app.nextCode() })
    const device = { token: body.device_token }
    expect(codeOf(await firstStep(running, person.email, device))).toBe('second_factor_required')
  })

  it('is trusted for the time of the setting', async () => {
    const { person, device } = await createTrusting()
    running.clock.advance(29 * 24 * 60 * minuteMs)
    expect(codeOf(await firstStep(running, person.email, device))).toBe(200)
    running.clock.advance(24 * 60 * minuteMs)
    expect(codeOf(await firstStep(running, person.email, device))).toBe('second_factor_required')
    await running.server.service.trustedDevices.prune()
    const { rows } = await running.server.service.store.query(
      'select name from server_trusted_devices where account_id = $1',
      [person.id],
    )
    expect(rows).toEqual([])
  })

  it('is not trusted by a server whose setting is 0, not even if it was trusted before', async () => {
    const { person, device } = await createTrusting()
    const strict = await running.startAnother({ configuration: { trustedDeviceTtlSec: 0 } })
    expect(codeOf(await firstStep(strict, person.email, device))).toBe('second_factor_required')
    await strict.stop()
  })

  it('is listed for its owner, who can end the trust in one and in all', async () => {
    const { person, device } = await createTrusting()
    const { token } = person
    const list = async () => (await running.api.get('/v1/me/factors', { token })).body.trusted_devices
    const [listed] = await list()
    expect(listed).toMatchObject({ name: expect.any(String) })
    const other = await register(running)
    const path = `/v1/me/trusted-devices/${listed?.name}`
    expect((await running.api.delete(path, { token: other.token })).body.code).toBe('trusted_device_unknown')
    expect((await running.api.delete(path, { token })).status).toBe(204)
    expect(await list()).toEqual([])
    expect(codeOf(await firstStep(running, person.email, device))).toBe('second_factor_required')
    const again = await createTrusting()
    expect((await running.api.delete('/v1/me/trusted-devices', { token: again.person.token })).status).toBe(204)
    expect(codeOf(await firstStep(running, again.person.email, again.device))).toBe('second_factor_required')
  })

  it.each([
    [
      'a change of the password',
      ({ token }: Person) =>
        running.api.post('/v1/me/password', { token, body: { current_password: password, new_password: password } }),
    ],
    ['new recovery codes', ({ token }: Person) => running.api.post('/v1/me/recovery-codes', { token })],
  ] as const)('is no longer trusted after %s', async (_, change) => {
    const { person, device } = await createTrusting()
    expect((await change(person)).status).toBeLessThan(300)
    expect(codeOf(await firstStep(running, person.email, device))).toBe('second_factor_required')
  })

  it('is no longer trusted after a reset of the password', async () => {
    const { person, device } = await createTrusting()
    await running.api.post('/v1/password/forgot', { body: { email: person.email } })
    const letters = await lettersTo(running, person.email)
    const token = letters.findLast(({ subject }) => subject === 'Reset your password')?.token
    const { status } = await running.api.post('/v1/password/reset', { body: { token, new_password: password } })
    expect(status).toBe(204)
    expect(codeOf(await firstStep(running, person.email, device))).toBe('second_factor_required')
  })
})
