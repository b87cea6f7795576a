import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { lettersTo, newestLetter } from '../../support/letters.js'
import { createAdmin, freshEmail, login, password, register, tokenState } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

const finishYours = 'Finish your registration'
const known = 'You already have an account'

describe.each(databases)('registration by mail on %s', (database) => {
  let running: TestServer

  beforeAll(async () => {
    running = await startServer({ database, configuration: { registration: 'by-mail' } })
  })
  afterAll(() => running.stop())

  const apply = (email: string, secret = password) =>
    running.api.post('/v1/register', { body: { email, password: secret, name: 'Ada' } })
  const finish = (token: string, secret = password) =>
    running.api.post('/v1/register/finish', { body: { token, password: secret } })
  const member = async () => {
    const email = freshEmail()
    await apply(email)
    const { body } = await finish((await newestLetter(running, email, finishYours)).token)
    return { email, id: body.account.id, token: body.access_token }
  }

  it('creates the account once the link is followed with the right password', async () => {
    const email = freshEmail()
    const { status, headers } = await apply(email)
    expect([status, headers.get('set-cookie')]).toEqual([202, null])
    await expect(login(running, email)).rejects.toThrow('invalid_credentials')
    const { token, link } = await newestLetter(running, email, finishYours)
    expect(link).toBe(`http://issuer.test/finish-registration#token=${token}`)
    expect((await finish(token, 'not the right password')).body.code).toBe('password_wrong')
    const { status: made, body } = await finish(token)
    expect(made).toBe(201)
    expect(body.account).toMatchObject({ email, email_verified: true, name: 'Ada', role: 'user' })
    expect(await tokenState(running, body.access_token)).toBe(200)
    expect((await login(running, email)).id).toBe(body.account.id)
    expect((await finish(token)).body.code).toBe('link_invalid')
  })

  it('answers the same for a taken address, and notifies only its owner', async () => {
    const { email } = await member()
    const [taken, free] = [await apply(email), await apply(freshEmail())]
    expect([taken.status, taken.body]).toEqual([free.status, free.body])
    const letter = await newestLetter(running, email, known)
    expect(letter.link).toBeUndefined()
    expect((await login(running, email)).email).toBe(email)
  })

  it('refuses invalid input whether or not the address is taken', async () => {
    const { email } = await member()
    for (const address of [email, freshEmail()]) {
      expect((await apply(address, 'short')).body.code).toBe('password_too_short')
    }
    expect((await apply('nonsense')).body.code).toBe('email_invalid')
  })

  it('cannot be taken over by another person who registers the same address', async () => {
    const email = freshEmail()
    await apply(email, 'the password of the owner')
    const { token } = await newestLetter(running, email, finishYours)
    await apply(email, 'the password of another person')
    const other = await newestLetter(running, email, finishYours)
    // The reader of the mailbox may follow any link, and knows only the own password.
    expect((await finish(other.token, 'the password of the owner')).body.code).toBe('password_wrong')
    expect((await finish(token, 'the password of the owner')).status).toBe(201)
    expect((await finish(other.token, 'the password of another person')).body.code).toBe('email_taken')
    expect((await login(running, email, 'the password of the owner')).email).toBe(email)
  })

  it('happens once when a link is used many times concurrently', async () => {
    const email = freshEmail()
    await apply(email)
    const { token } = await newestLetter(running, email, finishYours)
    const answers = await Promise.all([finish(token), finish(token), finish(token)])
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 400, 400])
  })

  it('floods no mailbox, with or without an account', async () => {
    const [free, { email }] = [freshEmail(), await member()]
    for (let round = 0; round < 7; round += 1) {
      expect((await apply(free)).status).toBe(202)
      expect((await apply(email)).status).toBe(202)
    }
    expect(await lettersTo(running, free)).toHaveLength(4)
    // One of them belongs to the owner's own registration.
    expect((await lettersTo(running, email)).filter(({ subject }) => subject === known)).toHaveLength(3)
    await running.api.post('/v1/password/forgot', { body: { email } })
    expect((await newestLetter(running, email, 'Reset your password')).link).toBeDefined()
  })

  it('does not reveal by a change of address whether one is taken', async () => {
    const [owner, other] = [await member(), await member()]
    const changeTo = (email: string) => running.api.patch('/v1/me', { token: owner.token, body: { email, password } })
    const free = freshEmail()
    const [taken, possible] = [await changeTo(other.email), await changeTo(free)]
    expect([taken.status, taken.body]).toEqual([possible.status, possible.body])
    expect((await newestLetter(running, other.email, known)).link).toBeUndefined()
    const { token } = await newestLetter(running, free, 'Confirm your new e-mail address')
    expect((await running.api.post('/v1/email/verify', { body: { token, password } })).status).toBe(204)
  })

  it('mails a takeover link to an address whose account is not verified', async () => {
    const open = await running.startAnother({ configuration: { registration: 'open' } })
    const squatter = await register(open)
    await open.stop()
    expect((await apply(squatter.email)).status).toBe(202)
    const { token } = await newestLetter(running, squatter.email, 'Reset your password')
    const body = { token, new_password: 'the password of the owner' }
    expect((await running.api.post('/v1/password/reset', { body })).status).toBe(204)
    expect(await tokenState(running, squatter.token)).toBe('token_revoked')
    expect((await login(running, squatter.email, 'the password of the owner')).id).toBe(squatter.id)
  })

  it('limits guesses of the reader of the mailbox at the password of the registration', async () => {
    const email = freshEmail()
    await apply(email)
    const { token } = await newestLetter(running, email, finishYours)
    for (let guess = 0; guess < 5; guess += 1) {
      expect((await finish(token, `guess number ${guess}`)).body.code).toBe('password_wrong')
    }
    expect((await finish(token)).body.code).toBe('guess_delayed')
    running.clock.advance(1000)
    expect((await finish(token)).status).toBe(201)
  })

  it('is in the audit log, as refused for a taken address', async () => {
    const { email, id } = await member()
    await apply(email)
    await lettersTo(running, email)
    const admin = await createAdmin(running)
    const { body } = await running.api.get(`/v1/admin/audit?account=${id}`, { token: admin.token })
    expect(body.entries.map(({ event, outcome }) => [event, outcome]).toReversed()).toEqual([
      ['register', 'done'],
      ['register', 'refused'],
    ])
  })

  it('is a setting, and other modes sign a new user in at once', async () => {
    const open = await running.startAnother({ configuration: { registration: 'open' } })
    expect((await register(open)).id).toBeDefined()
    await open.stop()
  })
})
