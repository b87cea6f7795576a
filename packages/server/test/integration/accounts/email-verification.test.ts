import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Call } from '../../support/api-client.js'
import { lettersTo, newestLetter } from '../../support/letters.js'
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

const verifyYours = 'Verify your e-mail address'
const confirmNew = 'Confirm your new e-mail address'

describe.each(databases)('the address of an account on %s', (database) => {
  let running: TestServer

  beforeAll(async () => {
    running = await startServer({ database })
  })
  afterAll(() => running.stop())

  const present = async (token: string, proof: { password?: string }, call: Call = {}) => {
    const { status, body } = await running.api.post('/v1/email/verify', { ...call, body: { token, ...proof } })
    return status === 204 ? 204 : body.code
  }
  const verify = (token: string) => present(token, { password })
  const resend = (email: string) => running.api.post('/v1/email/resend', { body: { email } })
  const me = async (token: string) => (await running.api.get('/v1/me', { token })).body
  const changeTo = (token: string, email: string) => running.api.patch('/v1/me', { token, body: { email, password } })

  it('is verified by the link that is mailed at the registration', async () => {
    const person = await register(running)
    expect((await me(person.token)).email_verified).toBe(false)
    const { token, link } = await newestLetter(running, person.email, verifyYours)
    expect(link).toBe(`http://issuer.test/verify-email#token=${token}`)
    expect(await verify(token)).toBe(204)
    expect((await me(person.token)).email_verified).toBe(true)
  })

  it('is verified once by each link', async () => {
    const { email } = await register(running)
    const { token } = await newestLetter(running, email, verifyYours)
    const answers = await Promise.all([verify(token), verify(token), verify(token)])
    expect(answers.toSorted()).toEqual([204, 'link_invalid', 'link_invalid'])
  })

  it('is verified by the newest link alone', async () => {
    const { email } = await register(running)
    const first = await newestLetter(running, email, verifyYours)
    expect((await resend(email)).status).toBe(202)
    const second = await newestLetter(running, email, verifyYours)
    expect(second.token).not.toBe(first.token)
    expect(await verify(first.token)).toBe('link_invalid')
    expect(await verify(second.token)).toBe(204)
  })

  it('is not asked for again when it is verified, unknown, disabled or invalid, which no answer reveals', async () => {
    const verified = await register(running)
    await verify((await newestLetter(running, verified.email, verifyYours)).token)
    const disabled = await register(running)
    const admin = await createAdmin(running)
    await running.api.post(`/v1/admin/users/${disabled.id}/disable`, { token: admin.token })
    const unknown = freshEmail()
    const answers = await Promise.all([verified.email, unknown, disabled.email, 'nonsense'].map(resend))
    const unverified = await resend((await register(running)).email)
    for (const { status, body } of answers) expect([status, body]).toEqual([202, unverified.body])
    expect(await lettersTo(running, verified.email)).toHaveLength(1)
    expect(await lettersTo(running, disabled.email)).toHaveLength(1)
    expect(await lettersTo(running, unknown)).toHaveLength(0)
  })

  it('is verified by no made-up, no empty and no foreign token', async () => {
    const { email } = await register(running)
    await running.api.post('/v1/password/forgot', { body: { email } })
    const reset = await newestLetter(running, email, 'Reset your password')
    for (const token of ['x', 'A'.repeat(43), reset.token, `${reset.token} `])
      expect(await verify(token)).toBe('link_invalid')
    expect(await verify('')).toBe('validation_failed')
  })

  it('is verified only by a user of the account: the link by itself does nothing', async () => {
    const other = await register(running)
    const { token } = await newestLetter(running, other.email, verifyYours)
    const reader = await register(running)
    expect(await present(token, {})).toBe('password_required')
    expect(await present(token, {}, { token: reader.token })).toBe('password_required')
    expect(await present(token, { password: 'not the right password' })).toBe('password_wrong')
    expect(await present(token, { password: 'not the right password' }, { token: other.token })).toBe('password_wrong')
    expect(await present(token, {}, { token: 'not-a-token' })).toBe('token_malformed')
    expect((await me(other.token)).email_verified).toBe(false)
    expect(await present(token, {}, { token: other.token })).toBe(204)
  })

  it('is verified by the password of the account, whatever session the request carries', async () => {
    const [person, other] = [await register(running), await register(running)]
    const { token } = await newestLetter(running, person.email, verifyYours)
    expect(await present(token, { password }, { token: other.token })).toBe(204)
    expect((await me(person.token)).email_verified).toBe(true)
    expect((await me(other.token)).email_verified).toBe(false)
  })

  it('is not verified by an ended session, nor by a cookie on a request from another site', async () => {
    const email = freshEmail()
    const fromPage = { 'latchkey-mode': 'cookie', 'sec-fetch-site': 'same-origin' }
    const registered = await running.api.post('/v1/register', { body: { email, password }, headers: fromPage })
    const cookie = registered.headers
      .getSetCookie()
      .map((line) => line.slice(0, line.indexOf(';')))
      .find((line) => line.startsWith('__Host-latchkey=')) as string
    const { token } = await newestLetter(running, email, verifyYours)
    expect(await present(token, {}, { headers: { cookie } })).toBe('csrf_refused')
    const fromElsewhere = { cookie, 'latchkey-mode': 'cookie', 'sec-fetch-site': 'cross-site' }
    expect(await present(token, {}, { headers: fromElsewhere })).toBe('csrf_refused')
    const gone = await login(running, email)
    await running.api.post('/v1/logout', { token: gone.token })
    expect(await present(token, {}, { token: gone.token })).toBe('session_ended')
    expect(await present(token, {}, { headers: { ...fromPage, cookie } })).toBe(204)
  })

  it('is not changed to the address of a third person by a click of that person', async () => {
    const person = await register(running)
    const email = freshEmail()
    await changeTo(person.token, email)
    const { token } = await newestLetter(running, email, confirmNew)
    expect(await present(token, {})).toBe('password_required')
    expect((await me(person.token)).email).toBe(person.email)
    expect(await present(token, {}, { token: person.token })).toBe(204)
    expect((await me(person.token)).email).toBe(email)
  })

  it('is verified with a limit on password guesses, which does not lock the owner out', async () => {
    const person = await register(running)
    const { token } = await newestLetter(running, person.email, verifyYours)
    for (let guess = 0; guess < 5; guess += 1) {
      expect(await present(token, { password: `guess number ${guess}` })).toBe('password_wrong')
    }
    expect(await present(token, { password })).toBe('guess_delayed')
    await resend(person.email)
    const next = await newestLetter(running, person.email, verifyYours)
    expect(await present(next.token, { password })).toBe('guess_delayed')
    expect((await login(running, person.email)).id).toBe(person.id)
    expect(await present(next.token, {}, { token: person.token })).toBe(204)
  })

  it('is not verified when the password changes during the comparison', async () => {
    const person = await register(running)
    const { token } = await newestLetter(running, person.email, verifyYours)
    const body = { current_password: password, new_password: 'a different staple for the horse' }
    const changing = running.api.post('/v1/me/password', { token: person.token, body })
    const answers = [await present(token, { password }), (await changing).status]
    expect([
      [204, 200],
      ['link_invalid', 200],
      ['password_wrong', 200],
    ]).toContainEqual(answers)
  })

  it('changes once the new one is confirmed, not before, and a letter informs the old one', async () => {
    const person = await registerVerified(running)
    const email = freshEmail()
    const answer = await changeTo(person.token, email)
    expect([answer.status, answer.body.email]).toEqual([200, person.email])
    const warning = await newestLetter(running, person.email, 'Your e-mail address is about to change')
    expect(warning.text).not.toContain(email)
    expect(warning.link).toBeUndefined()
    await expect(login(running, email)).rejects.toThrow('invalid_credentials')
    expect(await verify((await newestLetter(running, email, confirmNew)).token)).toBe(204)
    expect(await me(person.token)).toMatchObject({ email, email_verified: true })
    const notice = await newestLetter(running, person.email, 'Your e-mail address was changed')
    expect(notice.text).not.toContain(email)
    expect((await login(running, email)).id).toBe(person.id)
    await expect(login(running, person.email)).rejects.toThrow('invalid_credentials')
  })

  it('changes with an end of all links that were mailed to the old one', async () => {
    const person = await register(running)
    await running.api.post('/v1/password/forgot', { body: { email: person.email } })
    const reset = await newestLetter(running, person.email, 'Reset your password')
    const old = await newestLetter(running, person.email, verifyYours)
    const email = freshEmail()
    await changeTo(person.token, email)
    await verify((await newestLetter(running, email, confirmNew)).token)
    const body = { token: reset.token, new_password: 'a different staple for the horse' }
    expect((await running.api.post('/v1/password/reset', { body })).body.code).toBe('link_invalid')
    expect(await verify(old.token)).toBe('link_invalid')
  })

  it('stays when the password changes before the new one is confirmed', async () => {
    const person = await registerVerified(running)
    const email = freshEmail()
    await changeTo(person.token, email)
    const { token } = await newestLetter(running, email, confirmNew)
    const body = { current_password: password, new_password: 'a different staple for the horse' }
    expect((await running.api.post('/v1/me/password', { token: person.token, body })).status).toBe(200)
    expect(await verify(token)).toBe('link_invalid')
    expect((await newestLetter(running, person.email, 'Your password was changed')).to).toBe(person.email)
  })

  it('stays when another account takes the new one before it is confirmed', async () => {
    const person = await register(running)
    const email = freshEmail()
    await changeTo(person.token, email)
    const { token } = await newestLetter(running, email, confirmNew)
    await register(running, email)
    expect(await verify(token)).toBe('email_taken')
    expect((await me(person.token)).email).toBe(person.email)
  })

  it('stays when the link has expired', async () => {
    const person = await register(running)
    const { token } = await newestLetter(running, person.email, verifyYours)
    running.clock.advance(86_400_000)
    expect(await verify(token)).toBe('link_invalid')
    await running.server.service.oneTimeTokens.prune()
    const again = await login(running, person.email)
    expect((await me(again.token)).email_verified).toBe(false)
  })

  it('cannot change after the account is deleted', async () => {
    const person = await register(running)
    const { token } = await newestLetter(running, person.email, verifyYours)
    await running.api.delete('/v1/me', { token: person.token, body: { password } })
    expect(await verify(token)).toBe('link_invalid')
  })

  it('has its verification and its changes in the audit log', async () => {
    const person = await register(running)
    const email = freshEmail()
    await verify((await newestLetter(running, person.email, verifyYours)).token)
    await changeTo(person.token, email)
    await verify((await newestLetter(running, email, confirmNew)).token)
    const admin = await createAdmin(running)
    const { body } = await running.api.get(`/v1/admin/audit?account=${person.id}`, { token: admin.token })
    expect(body.entries.map(({ event }) => event).toReversed()).toEqual([
      'register',
      'email_verify',
      'email_change_request',
      'email_change',
    ])
  })
})

describe.each(databases)('a server on %s where only verified accounts sign in', (database) => {
  let running: TestServer

  beforeAll(async () => {
    running = await startServer({ database, configuration: { unverifiedSignIn: 'refuse' } })
  })
  afterAll(() => running.stop())

  it('registers without signing in, and reports why it refuses a login only after the right password', async () => {
    const email = freshEmail()
    expect((await running.api.post('/v1/register', { body: { email, password } })).status).toBe(202)
    await expect(login(running, email)).rejects.toThrow('email_unverified')
    await expect(login(running, email, 'not the right password')).rejects.toThrow('invalid_credentials')
    const { token } = await newestLetter(running, email, verifyYours)
    await running.api.post('/v1/email/verify', { body: { token, password } })
    expect(await tokenState(running, (await login(running, email)).token)).toBe(200)
  })

  it('accepts an account that set its password by a mailed link, and an administrator that the operator created', async () => {
    const email = freshEmail()
    await running.api.post('/v1/register', { body: { email, password } })
    await running.api.post('/v1/password/forgot', { body: { email } })
    const { token } = await newestLetter(running, email, 'Reset your password')
    const next = 'a different staple for the horse'
    expect((await running.api.post('/v1/password/reset', { body: { token, new_password: next } })).status).toBe(204)
    expect((await login(running, email, next)).email).toBe(email)
    expect((await createAdmin(running)).id).toBeDefined()
  })
})

describe('a server that sends no mail', () => {
  let running: TestServer

  beforeAll(async () => {
    running = await startServer({ database: 'postgres' })
    const mail = { ...running.configuration.mail, carrier: undefined }
    const without = await running.startAnother({ configuration: { mail } })
    const { stop } = running
    running = { ...without, stop: () => without.stop().then(stop) }
  })
  afterAll(() => running.stop())

  it('reports it the same way wherever a letter is needed, and does everything else', async () => {
    const person = await register(running)
    for (const path of ['/v1/password/forgot', '/v1/email/resend']) {
      for (const email of [person.email, freshEmail()]) {
        const { status, body } = await running.api.post(path, { body: { email } })
        expect([status, body.code]).toEqual([503, 'mail_unavailable'])
      }
    }
    const body = { email: freshEmail(), password }
    expect((await running.api.patch('/v1/me', { token: person.token, body })).body.code).toBe('mail_unavailable')
    expect((await login(running, person.email)).id).toBe(person.id)
    expect((await running.api.get('/readyz')).status).toBe(200)
    const { rows } = await running.server.service.store.query('select id from server_outbox')
    expect(rows).toEqual([])
  })
})
