import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { deliverLetters, lettersTo, newestLetter } from '../../support/letters.js'
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

const subject = 'Reset your password'
const newPassword = 'a different staple for the horse'
const hour = 3_600_000

describe.each(databases)('a forgotten password on %s', (database) => {
  let running: TestServer

  beforeAll(async () => {
    running = await startServer({ database })
  })
  afterAll(() => running.stop())

  const forgot = (email: string) => running.api.post('/v1/password/forgot', { body: { email } })
  const reset = async (token: string, secret = newPassword) => {
    const { status, body } = await running.api.post('/v1/password/reset', { body: { token, new_password: secret } })
    return status === 204 ? 204 : body.code
  }
  const tokenFor = async (email: string) => {
    await forgot(email)
    return (await newestLetter(running, email, subject)).token
  }

  it('is replaced by the mailed link, which ends every session and every token', async () => {
    const here = await register(running)
    const there = await login(running, here.email)
    expect((await forgot(` ${here.email.toUpperCase()}`)).status).toBe(202)
    const { token, link } = await newestLetter(running, here.email, subject)
    expect(link).toBe(`http://issuer.test/reset-password#token=${token}`)
    expect(await reset(token)).toBe(204)
    for (const { token: old, refreshToken } of [here, there]) {
      expect(await tokenState(running, old)).toBe('token_revoked')
      const { body } = await running.api.post('/v1/refresh', { body: { refresh_token: refreshToken } })
      expect(body.code).toBe('session_ended')
    }
    await expect(login(running, here.email)).rejects.toThrow('invalid_credentials')
    const after = await login(running, here.email, newPassword)
    const me = await running.api.get('/v1/me', { token: after.token })
    expect(me.body).toMatchObject({ id: here.id, email_verified: true })
    const subjects = (await lettersTo(running, here.email)).map((letter) => letter.subject)
    expect(subjects).toContain('Your password was changed')
  })

  it('is replaced once by each link, also under concurrent use', async () => {
    const { email } = await register(running)
    const token = await tokenFor(email)
    const passwords = ['first new password', 'second new password', 'third new password']
    const answers = await Promise.all(passwords.map((secret) => reset(token, secret)))
    expect(answers.toSorted()).toEqual([204, 'link_invalid', 'link_invalid'])
    const won = passwords[answers.indexOf(204)]
    expect((await login(running, email, won)).email).toBe(email)
    expect(await reset(token)).toBe('link_invalid')
  })

  it('is replaced only by the newest link, and not by an expired one', async () => {
    const { email } = await register(running)
    const first = await tokenFor(email)
    const second = await tokenFor(email)
    expect(await reset(first)).toBe('link_invalid')
    running.clock.advance(hour)
    expect(await reset(second)).toBe('link_invalid')
    expect((await login(running, email)).email).toBe(email)
  })

  it('leaves the link usable when the new password is refused', async () => {
    const { email } = await register(running)
    const token = await tokenFor(email)
    expect(await reset(token, 'short')).toBe('password_too_short')
    expect(await reset(token, email)).toBe('password_common')
    expect(await reset(token)).toBe(204)
  })

  it('gets the same answer whether or not the account exists', async () => {
    const { email } = await register(running)
    const unknown = freshEmail()
    const answers = await Promise.all([email, unknown, 'nonsense', 'x@@y', `${'a'.repeat(250)}@b.example`].map(forgot))
    const comparable = answers.map(({ status, headers, body }) => {
      const varying = ['date', 'x-request-id', 'ratelimit', 'content-length']
      return { status, body, headers: [...headers.keys()].filter((name) => !varying.includes(name)) }
    })
    for (const answer of comparable) expect(answer).toEqual(comparable[0])
    expect(await lettersTo(running, unknown)).toEqual([])
  })

  it('is not replaced while the account is disabled', async () => {
    const { id, email } = await register(running)
    const token = await tokenFor(email)
    const admin = await createAdmin(running)
    await running.api.post(`/v1/admin/users/${id}/disable`, { token: admin.token })
    expect(await reset(token)).toBe('account_disabled')
    const before = (await lettersTo(running, email)).length
    expect((await forgot(email)).status).toBe(202)
    expect(await lettersTo(running, email)).toHaveLength(before)
  })

  it('is not replaced by a link that is older than a change of the password', async () => {
    const person = await register(running)
    const token = await tokenFor(person.email)
    const body = { current_password: password, new_password: newPassword }
    await running.api.post('/v1/me/password', { token: person.token, body })
    expect(await reset(token, 'third new password')).toBe('link_invalid')
  })

  it('does not lock its owner out after the reset, whatever passwords others guess meanwhile', async () => {
    const { email } = await register(running)
    for (let guess = 0; guess < 8; guess += 1) await login(running, email, `guess number ${guess}`).catch(() => {})
    expect(await reset(await tokenFor(email))).toBe(204)
    expect((await login(running, email, newPassword)).email).toBe(email)
  })

  it('floods no mailbox: five letters an hour are sent, and the last link works', async () => {
    const { email } = await registerVerified(running)
    running.clock.advance(hour)
    for (let request = 0; request < 12; request += 1) expect((await forgot(email)).status).toBe(202)
    const resets = async () => (await lettersTo(running, email)).filter((letter) => letter.subject === subject)
    expect(await resets()).toHaveLength(5)
    expect(await reset((await resets()).at(-1)?.token ?? '')).toBe(204)
    running.clock.advance(hour)
    await forgot(email)
    expect(await resets()).toHaveLength(6)
  })

  it('leaves no usable token and no readable letter in the database', async () => {
    const { email } = await register(running)
    const { store } = running.server.service
    const token = await tokenFor(email)
    await forgot(email)
    const tables = ['server_one_time_tokens', 'server_outbox', 'server_mail_counts']
    const rows = await Promise.all(tables.map((table) => store.query(`select * from ${table}`)))
    const text = JSON.stringify(rows.map((table) => table.rows))
    expect(text).not.toContain(token)
    expect(JSON.stringify(rows.slice(1).map((table) => table.rows))).not.toContain(email)
    await deliverLetters(running)
    expect((await store.query('select id from server_outbox')).rows).toEqual([])
  })

  it('ends all access of another person who registered the address, when the reader of the mailbox replaces it', async () => {
    const email = freshEmail()
    const body = { email, password, name: 'Another Person' }
    const squatter = personOf((await running.api.post('/v1/register', { body })).body)
    const elsewhere = await login(running, email)
    await running.api.patch('/v1/me', { token: squatter.token, body: { email: freshEmail(), password } })
    expect(await reset(await tokenFor(email))).toBe(204)
    for (const { token, refreshToken } of [squatter, elsewhere]) {
      expect(await tokenState(running, token)).toBe('token_revoked')
      const refreshed = await running.api.post('/v1/refresh', { body: { refresh_token: refreshToken } })
      expect(refreshed.body.code).toBe('session_ended')
    }
    await expect(login(running, email)).rejects.toThrow('invalid_credentials')
    const owner = await login(running, email, newPassword)
    const me = await running.api.get('/v1/me', { token: owner.token })
    expect(me.body).toMatchObject({ email, email_verified: true, name: null })
    const { rows } = await running.server.service.store.query(
      'select hash from server_one_time_tokens where account_id = $1',
      [owner.id],
    )
    expect(rows).toEqual([])
  })

  it('keeps the name of an owner whose address is already verified', async () => {
    const { email, token } = await registerVerified(running)
    await running.api.patch('/v1/me', { token, body: { name: 'Ada' } })
    expect(await reset(await tokenFor(email))).toBe(204)
    const { token: after } = await login(running, email, newPassword)
    expect((await running.api.get('/v1/me', { token: after })).body.name).toBe('Ada')
  })

  it('is in the audit log: the account, the address of the request, and the new password', async () => {
    const { id, email } = await register(running)
    await reset(await tokenFor(email))
    const admin = await createAdmin(running)
    const { body } = await running.api.get(`/v1/admin/audit?account=${id}`, { token: admin.token })
    const entries = body.entries.map(({ event, actor, address }) => [event, actor, address]).toReversed()
    expect(entries).toEqual([
      ['register', id, '127.0.0.1'],
      ['password_forgot', null, '127.0.0.1'],
      ['password_reset', id, '127.0.0.1'],
    ])
  })

  it('has rate limits for requests and for replacements', async () => {
    const limits = { ...running.configuration.limits, recovery: { pair: { requests: 2, windowSec: 60 } } }
    const bounded = await running.startAnother({ configuration: { limits } })
    const email = freshEmail()
    const ask = async (address: string) =>
      (await bounded.api.post('/v1/password/forgot', { body: { email: address } })).status
    expect([await ask(email), await ask(email.toUpperCase()), await ask(email)]).toEqual([202, 202, 429])
    expect(await ask(freshEmail())).toBe(202)
    await bounded.stop()
  })
})

describe.each(databases)('a sign-in on %s', (database) => {
  let running: TestServer

  beforeAll(async () => {
    running = await startServer({ database })
  })
  afterAll(() => running.stop())

  const notices = async (email: string) =>
    (await lettersTo(running, email)).filter((letter) => letter.subject === 'New sign-in to your account')

  it('notifies the owner when the device is new, and only then', async () => {
    const email = freshEmail()
    const registered = await running.api.post('/v1/register', { body: { email, password } })
    const verification = await newestLetter(running, email, 'Verify your e-mail address')
    await running.api.post('/v1/email/verify', { body: { token: verification.token, password } })
    const signIn = (device?: string, agent = 'Hypertext <b>Explorer</b>\t7') => {
      const headers = { 'user-agent': agent, ...(device === undefined ? {} : { 'latchkey-device': device }) }
      return running.api.post('/v1/login', { body: { email, password }, headers })
    }
    await signIn(registered.body.device_token)
    expect(await notices(email)).toEqual([])
    const first = await signIn()
    const [letter] = await notices(email)
    expect(letter?.text).toContain('127.0.0.1')
    expect(letter?.text).not.toContain('Explorer')
    await signIn(undefined, 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0')
    expect((await notices(email)).at(-1)?.text).toContain('Firefox on Linux')
    await signIn(first.body.device_token)
    await running.api.post('/v1/login', { body: { email, password: 'not the right password' } })
    expect(await notices(email)).toHaveLength(2)
  })

  it('notifies the owner a few times an hour at most', async () => {
    const { email } = await registerVerified(running)
    for (let round = 0; round < 8; round += 1) await login(running, email)
    expect(await notices(email)).toHaveLength(5)
  })
})
