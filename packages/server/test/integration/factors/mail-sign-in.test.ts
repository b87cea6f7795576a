import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { blocksLeftOut, Page } from '../../../../../test/support/page.js'
import type { Configuration } from '../../../src/config/configuration.js'
import { Authenticator as Passkey } from '../../support/authenticator.js'
import { Browser } from '../../support/browser.js'
import { deliverLetters, lettersTo, newestLetter } from '../../support/letters.js'
import {
  beginMail,
  completeMail,
  type MailedAnswer,
  requestLetter,
  signInLetters,
  wrongCode,
} from '../../support/mail-sign-in.js'
import { addPasskey } from '../../support/passkeys.js'
import {
  createAdmin,
  freshEmail,
  login,
  password,
  register,
  registerVerified,
  tokenState,
} from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'
import { addAuthenticator, firstStep, secondStep } from '../../support/totp-app.js'

const minuteMs = 60_000
const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor
const elsewhere = { from: '192.0.2.50' }

describe.each(databases)('a sign-in by mail on %s', (database) => {
  let running: TestServer

  beforeAll(async () => {
    running = await startServer({
      database,
      configuration: { trustedProxies: ['127.0.0.1'], mailSignIn: 'code-and-link' },
    })
  })
  afterAll(() => running.stop())

  it('works by the script of docs/guides/mail-sign-in.md', async () => {
    const [script = ''] = Page.at('docs/guides/mail-sign-in.md').take('js')
    const { email } = await registerVerified(running)
    const statuses: number[] = []
    const call = async (method: string, path: string, body: Readonly<Record<string, string>>) => {
      // The user reads the code in the letter.
      const read = 'code' in body ? { code: (await signInLetters(running, email)).at(-1)?.code } : {}
      const answer = await running.api.call(method, path, { body: { ...body, ...read } })
      statuses.push(answer.status)
      return answer.body
    }
    await new AsyncFunction('call', 'email', 'code', script)(call, email, '')
    expect(statuses).toEqual([202, 200])
    expect(blocksLeftOut('docs/guides/mail-sign-in.md')).toEqual([])
  })

  const codeOf = ({ status, body }: { status: number; body: { code?: string } }) => (status === 200 ? 200 : body.code)
  const sessionsOf = async (id: string) =>
    (
      await running.server.service.store.query<{ amr: string; ended: number | null }>(
        'select amr, ended_at as ended from server_sessions where account_id = $1 order by created_at, id',
        [id],
      )
    ).rows
  const anotherWith = (configuration: Partial<Configuration>) =>
    running.startAnother({ configuration, parts: { clock: running.clock } })

  it('opens a session by the code, once, in any spelling of its digits', async () => {
    const { id, email } = await registerVerified(running)
    const { begun, code, letter } = await requestLetter(running, email)
    expect(begun.body).toMatchObject({ expires_in: 600, challenge_token: expect.stringMatching(/^[\w-]{43}$/) })
    expect(letter.text).toContain('127.0.0.1')
    const answer = await completeMail(running, begun, { code: code.replace(' ', '') })
    expect(answer.status).toBe(200)
    const { access_token: token } = answer.body
    expect(await tokenState(running, token)).toBe(200)
    expect((await sessionsOf(id)).at(-1)?.amr).toBe('mail')
    const { body } = await running.api.get('/v1/me/sessions', { token })
    expect(body.sessions.find(({ current }) => current)).toMatchObject({ amr: ['mail'], acr: 'aal1' })
    expect(codeOf(await completeMail(running, begun, { code }))).toBe('challenge_invalid')
    const again = await requestLetter(running, email)
    const arabic = again.code.replaceAll(/\d/g, (digit) => String.fromCharCode(0x660 + Number(digit)))
    expect(codeOf(await completeMail(running, again.begun, { code: `\u2068${arabic}\u2069` }))).toBe(200)
  })

  it('opens a session by the link, once', async () => {
    const { email } = await registerVerified(running)
    const { begun, token, code } = await requestLetter(running, email)
    expect(codeOf(await completeMail(running, begun, { token }))).toBe(200)
    for (const answer of [{ token }, { code }])
      expect(codeOf(await completeMail(running, begun, answer))).toBe('challenge_invalid')
  })

  it('is completed by the client alone that has begun it, not by another reader of the letter', async () => {
    const victim = await registerVerified(running)
    const mallory = await registerVerified(running)
    const forVictim = await requestLetter(running, victim.email, elsewhere)
    const forMallory = await requestLetter(running, mallory.email)
    // The victim opens the letter that the attacker has asked for, in a browser with or without a
    // challenge of its own; and a link of the attacker's account (login CSRF).
    for (const [begun, { token, code }] of [
      [forMallory.begun, forVictim],
      [forVictim.begun, forMallory],
    ] as const) {
      expect(codeOf(await completeMail(running, begun, { token }))).toBe('mail_link_elsewhere')
      expect(codeOf(await completeMail(running, begun, { code }))).toBe('mail_code_wrong')
    }
    const invented = { body: { ...forVictim.begun.body, challenge_token: 'A'.repeat(43) } }
    for (const answer of [{ token: forVictim.token }, { code: forVictim.code }])
      expect(codeOf(await completeMail(running, invented, answer))).toBe('challenge_invalid')
    expect(codeOf(await completeMail(running, forVictim.begun, { token: forVictim.token }))).toBe(200)
  })

  it('answers alike whether the address has an account, which may be disabled or unverified', async () => {
    const admin = await createAdmin(running)
    const [verified, unverified, disabled] = [
      await registerVerified(running),
      await register(running),
      await registerVerified(running),
    ]
    await running.api.post(`/v1/admin/users/${disabled.id}/disable`, { token: admin.token })
    const answers = []
    for (const email of [verified.email, unverified.email, disabled.email, freshEmail(), 'no address']) {
      const begun = await beginMail(running, email)
      await deliverLetters(running)
      const completed = []
      for (const answer of [{ code: '00000 00000' }, { token: 'A'.repeat(43) }]) {
        const { status, body, headers } = await completeMail(running, begun, answer)
        const names = [...headers.keys()].filter((name) => !name.startsWith('ratelimit'))
        completed.push({ status, names, body: { ...body, request_id: '' } })
      }
      answers.push({ status: begun.status, body: { ...begun.body, challenge_token: '' }, completed })
    }
    expect(answers[0]).toMatchObject({ status: 202, completed: [{ status: 403 }, { status: 403 }] })
    for (const answer of answers) expect(answer).toEqual(answers[0])
    expect(await signInLetters(running, disabled.email)).toEqual([])
  })

  it('compares five codes of a challenge, also of many at once', async () => {
    const { email } = await registerVerified(running)
    const { begun, code } = await requestLetter(running, email)
    const guesses = Array.from({ length: 12 }, () => completeMail(running, begun, { code: wrongCode(code) }))
    const outcomes = (await Promise.all(guesses)).map(codeOf)
    expect(outcomes.filter((outcome) => outcome === 'mail_code_wrong')).toHaveLength(5)
    expect(outcomes.filter((outcome) => outcome === 'challenge_invalid')).toHaveLength(7)
    expect(codeOf(await completeMail(running, begun, { code }))).toBe('challenge_invalid')
  })

  it('of the owner is not hindered by other clients, which use up their own attempts and letters', async () => {
    const { email } = await registerVerified(running)
    const { body } = await running.api.post('/v1/login', { body: { email, password } })
    const device = { token: body.device_token, from: '198.51.100.7' }
    const first = await requestLetter(running, email, device)
    for (let round = 0; round < 8; round += 1) {
      const begun = await beginMail(running, email, { from: `203.0.113.${round}` })
      await deliverLetters(running)
      for (let guess = 0; guess < 6; guess += 1) await completeMail(running, begun, { code: '1' }, elsewhere)
    }
    // The letters of this hour are four at most, of which the confirmation of the address was one.
    expect(await signInLetters(running, email)).toHaveLength(4)
    expect(codeOf(await completeMail(running, first.begun, { code: first.code }, device))).toBe(200)
    const second = await requestLetter(running, email, device)
    expect(codeOf(await completeMail(running, second.begun, { code: second.code }, device))).toBe(200)
    expect(codeOf(await firstStep(running, email, { token: body.device_token }))).toBe(200)
  })

  it('sends a known device five letters an hour', async () => {
    const { email } = await registerVerified(running)
    const { body } = await running.api.post('/v1/login', { body: { email, password } })
    for (let round = 0; round < 7; round += 1) {
      expect((await beginMail(running, email, { token: body.device_token })).status).toBe(202)
      await deliverLetters(running)
    }
    expect(await signInLetters(running, email)).toHaveLength(5)
  })

  it('cannot be completed without a letter, because the quota of the mailbox suppressed it', async () => {
    const { email } = await registerVerified(running)
    for (let round = 0; round < 4; round += 1) await beginMail(running, email, elsewhere)
    await deliverLetters(running)
    await beginMail(running, email, elsewhere)
    await deliverLetters(running)
    const { rows } = await running.server.service.store.query<{ account: string | null }>(
      `select account_id as account from server_challenges where purpose = 'mail_sign_in' and data like $1`,
      [`%${email}%`],
    )
    expect(rows.filter(({ account }) => account !== null).length).toBeLessThanOrEqual(1)
    expect(rows.filter(({ account }) => account === null).length).toBeGreaterThanOrEqual(2)
  })

  it('opens one session for simultaneous answers', async () => {
    const { id, email } = await registerVerified(running)
    const { begun, code, token } = await requestLetter(running, email)
    const before = (await sessionsOf(id)).length
    const answers: MailedAnswer[] = [{ code }, { token }, { code }, { token }]
    const outcomes = await Promise.all(answers.map((answer) => completeMail(running, begun, answer)))
    expect(outcomes.map(codeOf).toSorted()).toEqual([
      200,
      'challenge_invalid',
      'challenge_invalid',
      'challenge_invalid',
    ])
    expect(await sessionsOf(id)).toHaveLength(before + 1)
  })

  it('expires after ten minutes', async () => {
    const { email } = await registerVerified(running)
    const late = await requestLetter(running, email)
    running.clock.advance(10 * minuteMs)
    for (const answer of [{ code: late.code }, { token: late.token }])
      expect(codeOf(await completeMail(running, late.begun, answer))).toBe('challenge_invalid')
  })

  it('is ended by a newer request of the same client, not by one of another', async () => {
    const { email } = await registerVerified(running)
    const { body } = await running.api.post('/v1/login', { body: { email, password } })
    const device = { token: body.device_token }
    const first = await requestLetter(running, email, device)
    await requestLetter(running, email, elsewhere)
    const second = await requestLetter(running, email, device)
    expect(codeOf(await completeMail(running, first.begun, { code: first.code }, device))).toBe('challenge_invalid')
    expect(codeOf(await completeMail(running, second.begun, { code: second.code }, device))).toBe(200)
  })

  it('is ended by a change of the password or of the address', async () => {
    const { email, token } = await registerVerified(running)
    const first = await requestLetter(running, email)
    const changed = { current_password: password, new_password: 'a different staple for the horse' }
    const { body } = await running.api.post('/v1/me/password', { token, body: changed })
    expect(codeOf(await completeMail(running, first.begun, { code: first.code }))).toBe('challenge_invalid')
    const second = await requestLetter(running, email)
    const moved = { email: freshEmail(), password: changed.new_password }
    await running.api.patch('/v1/me', { token: body.access_token, body: moved })
    const link = await newestLetter(running, moved.email, 'Confirm your new e-mail address')
    const verified = { token: link.token, password: moved.password }
    expect((await running.api.post('/v1/email/verify', { body: verified })).status).toBe(204)
    expect(codeOf(await completeMail(running, second.begun, { code: second.code }))).toBe('challenge_invalid')
    expect(codeOf(await completeMail(running, second.begun, { token: second.token }))).toBe('challenge_invalid')
  })

  it('makes an account that an attacker has registered with the address that of its owner', async () => {
    const email = freshEmail()
    const mallory = await register(running, email)
    const { app } = await addAuthenticator(running, mallory)
    await running.api.patch('/v1/me', { token: mallory.token, body: { name: 'Mallory' } })
    const { body: known } = await secondStep(running, await firstStep(running, email), {
      code: app.nextCode(),
      trust_device: true,
    })
    const { begun, code } = await requestLetter(running, email, elsewhere)
    const answer = await completeMail(running, begun, { code }, elsewhere)
    expect([answer.status, answer.body.account]).toMatchObject([
      200,
      { id: mallory.id, email_verified: true, name: null },
    ])
    for (const token of [mallory.token, known.access_token])
      expect(await tokenState(running, token)).toBe('token_revoked')
    for (const refreshToken of [mallory.refreshToken, known.refresh_token])
      expect((await running.api.post('/v1/refresh', { body: { refresh_token: refreshToken } })).body.code).toBe(
        'session_ended',
      )
    expect(codeOf(await firstStep(running, email, { token: known.device_token }))).toBe('invalid_credentials')
    expect(await tokenState(running, answer.body.access_token)).toBe(200)
    const { body } = await running.api.get('/v1/me/factors', { token: answer.body.access_token })
    expect([body.factors, body.recovery_codes_left, body.trusted_devices]).toEqual([[], 0, []])
    const subjects = (await lettersTo(running, email)).map(({ subject }) => subject)
    expect(subjects.slice(-2).toSorted()).toEqual(['New sign-in to your account', 'Your password was removed'])
  })

  it('keeps the password of an account whose address was verified before', async () => {
    const { email, token } = await registerVerified(running)
    const { begun, code } = await requestLetter(running, email)
    expect(codeOf(await completeMail(running, begun, { code }))).toBe(200)
    expect(await tokenState(running, token)).toBe(200)
    await login(running, email)
  })

  it('is refused if the account was disabled meanwhile, and only after the right code', async () => {
    const admin = await createAdmin(running)
    const { id, email } = await registerVerified(running)
    const { begun, code } = await requestLetter(running, email)
    await running.api.post(`/v1/admin/users/${id}/disable`, { token: admin.token })
    expect(codeOf(await completeMail(running, begun, { code: wrongCode(code) }))).toBe('mail_code_wrong')
    expect(codeOf(await completeMail(running, begun, { code }))).toBe('account_disabled')
  })

  it('needs the second factor of the account, with which it still is no authentication of two factors', async () => {
    const person = await registerVerified(running)
    const { app } = await addAuthenticator(running, person)
    const { begun, code } = await requestLetter(running, person.email)
    const first = await completeMail(running, begun, { code })
    expect([first.status, first.body.code]).toEqual([403, 'second_factor_required'])
    expect(first.body).toMatchObject({ methods: ['totp', 'recovery_code'], expires_in: 600 })
    expect(first.body).not.toHaveProperty('access_token')
    expect(codeOf(await completeMail(running, begun, { code }))).toBe('challenge_invalid')
    const onOther = await secondStep(running, first, { code: app.nextCode() }, { token: 'x'.repeat(43) })
    expect(codeOf(onOther)).toBe('challenge_invalid')
    const second = await secondStep(running, first, { code: app.nextCode() })
    expect(second.status).toBe(200)
    expect((await sessionsOf(person.id)).at(-1)?.amr).toBe('mail otp')
    // A second code does not make two factors of it: e-mail is none.
    const { access_token: token } = second.body
    const refused = await running.api.post('/v1/me/recovery-codes', { token, body: {} })
    expect(refused.body).toMatchObject({ code: 'recent_authentication_required', acr: 'aal2' })
    const stepUp = await running.api.post('/v1/me/step-up', { token, body: { code: app.nextCode() } })
    expect([stepUp.status, stepUp.body.code]).toEqual([403, 'mail_insufficient'])
  })

  it('is strong with a passkey, which verifies its user by itself', async () => {
    const person = await registerVerified(running)
    const passkey = new Passkey()
    await addPasskey(running, person, passkey)
    const { begun, token } = await requestLetter(running, person.email)
    const { body: first } = await completeMail(running, begun, { token })
    const { passkey_options: options } = first as unknown as { passkey_options: Parameters<Passkey['get']>[0] }
    const { status } = await running.api.post('/v1/login/second-factor', {
      body: { challenge_token: first.challenge_token, passkey: passkey.get(options) },
      headers: { 'latchkey-device': first.device_token },
    })
    expect([status, (await sessionsOf(person.id)).at(-1)?.amr]).toEqual([
      200,
      expect.stringMatching(/^mail [hs]wk mfa$/),
    ])
  })

  it('opens no admin route to an administrator without a second factor', async () => {
    const strict = await anotherWith({ adminSecondFactor: 'require' })
    const admin = await createAdmin(running)
    const { begun, code } = await requestLetter(running, admin.email)
    const answer = await completeMail(running, begun, { code })
    expect(answer.status).toBe(200)
    const { body } = await strict.api.get('/v1/admin/users', { token: answer.body.access_token })
    expect(body.code).toBe('second_factor_required_for_admin')
    await strict.server.close()
  })

  it('keeps tokens in cookies for pages of this origin, and signs no browser in for another site', async () => {
    const { email } = await registerVerified(running)
    const browser = new Browser(running.api)
    const letters = (await signInLetters(running, email)).length
    const begun = await browser.call('POST', '/v1/login/mail', { body: { email } })
    const mailed = (await signInLetters(running, email))[letters]
    const body = { challenge_token: begun.body.challenge_token, code: mailed?.code }
    for (const path of ['/v1/login/mail', '/v1/login/mail/complete']) {
      const sent = path === '/v1/login/mail' ? { email } : body
      const foreign = await new Browser(running.api, 'https://evil.example').call('POST', path, { body: sent })
      expect([foreign.status, foreign.body.code]).toEqual([403, 'csrf_refused'])
      expect(foreign.headers.getSetCookie()).toEqual([])
    }
    const answer = await browser.call('POST', '/v1/login/mail/complete', { body })
    expect(answer.status).toBe(200)
    expect(answer.body).not.toHaveProperty('access_token')
    expect([...browser.cookies.keys()]).toContain('__Host-latchkey')
    expect((await browser.call('GET', '/v1/me')).body.email).toBe(email)
  })

  it('is in the audit log, without the code and the link', async () => {
    const admin = await createAdmin(running)
    const { id, email } = await registerVerified(running)
    const { begun, code, token } = await requestLetter(running, email)
    await completeMail(running, begun, { code: wrongCode(code) })
    await completeMail(running, begun, { code })
    await running.server.service.audit.flush('all')
    const { body } = await running.api.get(`/v1/admin/audit?limit=100&account=${id}`, { token: admin.token })
    const events = body.entries.map(({ event, outcome, detail }) => [event, outcome, detail?.method])
    expect(events).toContainEqual(['login_mail', 'done', undefined])
    expect(events).toContainEqual(['login', 'done', 'mail'])
    const reasons = body.entries.filter(({ outcome }) => outcome === 'refused').map(({ detail }) => detail?.reason)
    expect(reasons).toEqual(['mail_code_wrong'])
    const all = JSON.stringify(body)
    for (const secret of [code, code.replace(' ', ''), token, begun.body.challenge_token])
      expect(all).not.toContain(secret)
  })

  it('is offered as the setting says', async () => {
    const { email } = await registerVerified(running)
    for (const [mailSignIn, allowed] of [
      ['off', []],
      ['code', ['code']],
      ['link', ['token']],
    ] as const) {
      const { begun, code, token } = await requestLetter(running, email)
      const other = await anotherWith({ mailSignIn })
      const refused = (name: 'code' | 'token') => (allowed.some((one) => one === name) ? 200 : 'mail_sign_in_off')
      expect(codeOf(await completeMail(other, begun, { code: wrongCode(code) }))).toBe(
        refused('code') === 200 ? 'mail_code_wrong' : 'mail_sign_in_off',
      )
      if (mailSignIn !== 'code') expect(codeOf(await completeMail(other, begun, { token }))).toBe(refused('token'))
      const { status, body } = await beginMail(other, email)
      expect([status, body.code]).toEqual(mailSignIn === 'off' ? [403, 'mail_sign_in_off'] : [202, undefined])
      const newest = (await signInLetters(running, email)).at(-1)
      await other.server.close()
      running.clock.advance(60 * minuteMs)
      if (mailSignIn === 'code')
        expect([newest?.code, newest?.letter.link]).toEqual([expect.stringMatching(/\d/), undefined])
      if (mailSignIn === 'link')
        expect([newest?.code, newest?.token]).toEqual(['', expect.stringMatching(/^[\w-]{43}$/)])
    }
  })
})
