import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createPasswordHasher } from '../../../src/accounts/password-hasher.js'
import { lettersTo, newestLetter } from '../../support/letters.js'
import { freshEmail, login, password, personOf, register, registerVerified } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

const hour = 3_600_000
const cheap = { memoryCost: 1024, timeCost: 1, parallelism: 1 }
const verifyYours = 'Verify your e-mail address'
const resetYours = 'Reset your password'
const changed = 'Your password was changed'
const signedIn = 'New sign-in to your account'
const paused = 'Many sign-ins to your account'

describe.each(databases)('a mailbox on %s', (database) => {
  let running: TestServer

  beforeEach(async () => {
    const passwords = await createPasswordHasher({ cost: cheap })
    running = await startServer({
      database,
      configuration: { trustedProxies: ['127.0.0.1'] },
      parts: { passwords },
    })
  })
  afterEach(() => running.stop())

  const subjectsTo = async (address: string) => (await lettersTo(running, address)).map(({ subject }) => subject)
  const forgot = (email: string) => running.api.post('/v1/password/forgot', { body: { email } })
  const resend = (email: string) => running.api.post('/v1/email/resend', { body: { email } })
  const changePassword = async (token: string, from: string, to: string) => {
    const body = { current_password: from, new_password: to }
    return personOf((await running.api.post('/v1/me/password', { token, body })).body)
  }
  const changeTo = (token: string, email: string, from = '198.51.100.1') =>
    running.api.patch('/v1/me', { token, body: { email, password }, headers: { 'x-forwarded-for': from } })

  it('that is not verified gets five letters an hour, each with a link, whatever its account does', async () => {
    const victim = freshEmail()
    let { token } = await register(running, victim)
    for (let round = 0; round < 6; round += 1) {
      await login(running, victim)
      await changeTo(token, freshEmail())
      const next = `${password} ${round}`
      token = (await changePassword(token, password, next)).token
      token = (await changePassword(token, next, password)).token
      await resend(victim)
    }
    await running.api.delete('/v1/me', { token, body: { password } })
    for (let round = 0; round < 6; round += 1) {
      const again = await register(running, victim)
      await running.api.delete('/v1/me', { token: again.token, body: { password } })
    }
    await register(running, victim)
    for (let round = 0; round < 6; round += 1) await forgot(victim)
    const subjects = await subjectsTo(victim)
    expect(subjects).toHaveLength(5)
    expect(new Set(subjects)).toEqual(new Set([verifyYours, resetYours]))
    running.clock.advance(hour)
    await resend(victim)
    expect(await subjectsTo(victim)).toHaveLength(6)
  })

  it('gets no more letters under other spellings of its address', async () => {
    const id = freshEmail().slice(0, 8)
    const spellings = [
      `${id}@example.com`,
      `${id}+1@example.com`,
      `${id}+2@example.com`,
      `${id.slice(0, 2)}.${id.slice(2)}@example.com`,
      `${id}+x.y@example.com`,
      `${id}+z@EXAMPLE.com`,
    ]
    for (const spelling of spellings) await register(running, spelling)
    const counts = await Promise.all(
      spellings.map(async (spelling) => (await subjectsTo(spelling.toLowerCase())).length),
    )
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(4)
  })

  it('gets no more letters from several servers at once', async () => {
    const { email } = await register(running)
    const others = [await running.startAnother(), await running.startAnother()]
    for (let round = 0; round < 4; round += 1) {
      for (const { api } of [running, ...others]) await api.post('/v1/password/forgot', { body: { email } })
    }
    await Promise.all([running, ...others].map(({ server }) => server.service.mail.outboxWorker?.deliver()))
    for (const other of others) await other.server.close()
    expect(await subjectsTo(email)).toHaveLength(5)
  })

  it('has a reserve for password resets, whatever other letters are requested', async () => {
    const email = freshEmail()
    for (let round = 0; round < 8; round += 1) {
      const { token } = await register(running, email)
      if (round < 7) await running.api.delete('/v1/me', { token, body: { password } })
    }
    await forgot(email)
    const { token } = await newestLetter(running, email, resetYours)
    const body = { token, new_password: 'a different staple for the horse' }
    expect((await running.api.post('/v1/password/reset', { body })).status).toBe(204)
  })

  it('gets notifications about its account also during a flood of requested letters', async () => {
    const owner = await registerVerified(running)
    for (let round = 0; round < 10; round += 1) await forgot(owner.email)
    await lettersTo(running, owner.email)
    await changePassword(owner.token, password, 'a different staple for the horse')
    expect(await subjectsTo(owner.email)).toContain(changed)
  })

  it('gets one letter for all further sign-ins of an hour, and still the notification of a changed password', async () => {
    const owner = await registerVerified(running)
    for (let round = 0; round < 9; round += 1) await login(running, owner.email)
    await changePassword(owner.token, password, 'a different staple for the horse')
    const subjects = await subjectsTo(owner.email)
    const count = (wanted: string) => subjects.filter((subject) => subject === wanted).length
    expect([count(signedIn), count(paused), count(changed)]).toEqual([5, 1, 1])
    running.clock.advance(hour)
    await login(running, owner.email, 'a different staple for the horse')
    expect((await subjectsTo(owner.email)).at(-1)).toBe(signedIn)
  })

  it('that its account has left is notified once, and never if it was not verified', async () => {
    const person = await register(running)
    const email = freshEmail()
    await changeTo(person.token, email)
    const { token } = await newestLetter(running, email, 'Confirm your new e-mail address')
    await running.api.post('/v1/email/verify', { token: person.token, body: { token } })
    expect(await subjectsTo(person.email)).toEqual([verifyYours])
  })

  it('of a third party gets five letters an hour from one account, and thirty from one network', async () => {
    const owner = await register(running)
    for (let round = 0; round < 5; round += 1) expect((await changeTo(owner.token, freshEmail())).status).toBe(200)
    const refused = await changeTo(owner.token, freshEmail())
    expect([refused.status, refused.body.code]).toEqual([429, 'rate_limited'])
    expect(Number(refused.headers.get('retry-after'))).toBe(3600)
    for (let count = 5; count < 30; count += 5) {
      const { token } = await register(running)
      for (let round = 0; round < 5; round += 1) expect((await changeTo(token, freshEmail())).status).toBe(200)
    }
    const { token } = await register(running)
    expect((await changeTo(token, freshEmail())).body.code).toBe('rate_limited')
    expect((await changeTo(token, freshEmail(), '203.0.113.9')).status).toBe(200)
    running.clock.advance(hour)
    const { token: later } = await login(running, owner.email)
    expect((await changeTo(later, freshEmail())).status).toBe(200)
  })

  it('gets no text that another person chose', async () => {
    const owner = await registerVerified(running)
    const headers = { 'user-agent': 'www.evil.example/your-account-will-be-deleted' }
    await running.api.post('/v1/login', { headers, body: { email: owner.email, password } })
    await running.api.patch('/v1/me', { token: owner.token, body: { name: 'www.evil.example/sign-in' } })
    const hostile = 'www.evil.example/your-account-will-be-deleted/sign-in-here?@evil.example'
    expect((await changeTo(owner.token, hostile)).status).toBe(200)
    const letters = await lettersTo(running, owner.email)
    expect(letters.map(({ subject }) => subject)).toContain('Your e-mail address is about to change')
    for (const { text, html, subject } of letters) expect(text + html + subject).not.toContain('evil.example')
  })
})
