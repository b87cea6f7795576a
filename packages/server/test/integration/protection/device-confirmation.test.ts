import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createPasswordHasher } from '../../../src/accounts/password-hasher.js'
import type { Answer } from '../../support/api-client.js'
import { lettersTo, newestLetter } from '../../support/letters.js'
import { createAdmin, freshEmail, password, register, registerVerified } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

const wrong = 'certainly not the password'
const confirmYours = 'Confirm your sign-in'
const elsewhere = '192.0.2.77'
const cheap = { memoryCost: 1024, timeCost: 1, parallelism: 1 }

describe.each(databases)('after a hundred wrong passwords in a row on %s', (database) => {
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

  const login = (email: string, secret: string, { from = elsewhere, device = '' } = {}): Promise<Answer> =>
    running.api.post('/v1/login', {
      headers: { 'x-forwarded-for': from, ...(device === '' ? {} : { 'latchkey-device': device }) },
      body: { email, password: secret },
    })
  const confirm = (token: string, device?: string) =>
    running.api.post('/v1/login/confirm', {
      body: { token },
      ...(device === undefined ? {} : { headers: { 'latchkey-device': device } }),
    })
  const outcome = ({ status, body }: Answer) => (status < 300 ? status : body.code)
  const address = (index: number) => `203.0.${index >> 8}.${index & 255}`
  const letters = async (email: string) =>
    (await lettersTo(running, email)).filter(({ subject }) => subject === confirmYours)

  /**
   * Tries wrong passwords from new addresses, each as soon as it is allowed; returns the number of
   * attempts.
   */
  const guess = async (email: string, most: number) => {
    for (let tried = 0, index = 0; ; index += 1) {
      const answer = await login(email, wrong, { from: address(index) })
      if (answer.status === 429) running.clock.advance(Number(answer.headers.get('retry-after')) * 1000)
      else if (answer.body.code === 'device_confirmation_required' || tried === most) return tried
      else tried += 1
    }
  }
  /** Brings the account into the same state at once. */
  const requireConfirmation = async (email: string) => {
    await login(email, wrong, { from: address(1) })
    await running.server.service.store.query('update server_guess_lanes set misses = 100 where known_until = 0')
  }

  it('a password alone signs in no unknown device, whether or not the account exists', async () => {
    const owner = await registerVerified(running)
    expect(await guess(owner.email, 150)).toBe(100)
    expect(await guess(freshEmail(), 150)).toBe(100)
    running.clock.advance(86_400_000)
    expect(outcome(await login(owner.email, password))).toBe('device_confirmation_required')
  })

  it('a device signs in with the link that is mailed to the owner, and stays known', async () => {
    const owner = await registerVerified(running)
    await requireConfirmation(owner.email)
    const asked = await login(owner.email, password)
    expect([asked.status, asked.body.code]).toEqual([403, 'device_confirmation_required'])
    const device = asked.body.device_token
    const { token, link } = await newestLetter(running, owner.email, confirmYours)
    expect(link).toBe(`http://issuer.test/confirm-device#token=${token}`)
    expect(outcome(await confirm(token, device))).toBe(204)
    const signedIn = await login(owner.email, password, { device })
    expect([signedIn.status, signedIn.body.device_token]).toEqual([200, device])
    expect(outcome(await confirm(token, device))).toBe('link_invalid')
    running.clock.advance(30 * 86_400_000)
    await requireConfirmation(owner.email)
    expect(outcome(await login(owner.email, password, { device }))).toBe(200)
  })

  it('the link works only on the device that requested it', async () => {
    const owner = await registerVerified(running)
    await requireConfirmation(owner.email)
    const thief = (await login(owner.email, password)).body.device_token
    const { token } = await newestLetter(running, owner.email, confirmYours)
    const other = (await login(freshEmail(), wrong, { from: address(9) })).body.device_token
    for (const device of [undefined, other, 'A'.repeat(43)]) {
      expect(outcome(await confirm(token, device))).toBe('device_mismatch')
    }
    expect(outcome(await login(owner.email, password, { device: thief }))).toBe('device_confirmation_required')
  })

  it('confirms no other unknown device', async () => {
    const owner = await registerVerified(running)
    await requireConfirmation(owner.email)
    const device = (await login(owner.email, password)).body.device_token
    await confirm((await newestLetter(running, owner.email, confirmYours)).token, device)
    expect(outcome(await login(owner.email, password, { device }))).toBe(200)
    expect(outcome(await login(owner.email, password, { from: address(5) }))).toBe('device_confirmation_required')
  })

  it('answers are the same for a right password, a wrong one and an unknown account, and only the right one causes a write', async () => {
    const owner = await registerVerified(running)
    const unknownEmail = freshEmail()
    for (const email of [owner.email, unknownEmail]) await requireConfirmation(email)
    const answers = [
      await login(owner.email, password),
      await login(owner.email, wrong),
      await login(unknownEmail, wrong),
    ].map(({ status, headers, body }) => {
      const { device_token: device, request_id: _, ...rest } = body as typeof body & { request_id: string }
      const names = [...headers.keys()].filter((name) => name !== 'ratelimit')
      return { status, rest, names, device: device.length }
    })
    for (const answer of answers) expect(answer).toEqual(answers[0])
    expect(await letters(owner.email)).toHaveLength(1)
    expect(await letters(unknownEmail)).toEqual([])
  })

  it('a known device needs no link, nor does one that the owner has added', async () => {
    const email = freshEmail()
    const { body } = await running.api.post('/v1/register', { body: { email, password } })
    const verification = await newestLetter(running, email, 'Verify your e-mail address')
    await running.api.post('/v1/email/verify', { body: { token: verification.token, password } })
    const addedDevice = await running.api.post('/v1/me/devices', { token: body.access_token, body: { password } })
    await requireConfirmation(email)
    for (const device of [body.device_token, addedDevice.body.device_token]) {
      expect(outcome(await login(email, password, { device }))).toBe(200)
    }
    expect(await letters(email)).toEqual([])
  })

  it('a password reset by a mailed link makes its device known', async () => {
    const owner = await registerVerified(running)
    await requireConfirmation(owner.email)
    const device = (await login(owner.email, password)).body.device_token
    await running.api.post('/v1/password/forgot', { body: { email: owner.email } })
    const { token } = await newestLetter(running, owner.email, 'Reset your password')
    const next = 'a different staple for the horse'
    await running.api.post('/v1/password/reset', {
      headers: { 'x-forwarded-for': elsewhere, 'latchkey-device': device },
      body: { token, new_password: next },
    })
    expect(outcome(await login(owner.email, next, { device }))).toBe(200)
  })

  it('the owner of an unverified address signs in with the password', async () => {
    const owner = await register(running)
    await requireConfirmation(owner.email)
    expect(outcome(await login(owner.email, wrong, { from: address(3) }))).toBe('device_confirmation_required')
    expect(outcome(await login(owner.email, password))).toBe(200)
    expect(await letters(owner.email)).toEqual([])
  })

  it('a server without mail requires no link', async () => {
    const owner = await registerVerified(running)
    const mail = { ...running.configuration.mail, carrier: undefined }
    const silent = await running.startAnother({ configuration: { mail } })
    await requireConfirmation(owner.email)
    const headers = { 'x-forwarded-for': elsewhere }
    const { status } = await silent.api.post('/v1/login', { headers, body: { email: owner.email, password } })
    await silent.server.close()
    expect(status).toBe(200)
  })

  it('a disabled account is not distinguishable from another one', async () => {
    const owner = await registerVerified(running)
    const admin = await createAdmin(running)
    await requireConfirmation(owner.email)
    const device = (await login(owner.email, password)).body.device_token
    const { token } = await newestLetter(running, owner.email, confirmYours)
    await running.api.post(`/v1/admin/users/${owner.id}/disable`, { token: admin.token })
    expect(outcome(await confirm(token, device))).toBe('account_disabled')
    expect(outcome(await login(owner.email, password, { from: address(4) }))).toBe('device_confirmation_required')
    expect(await letters(owner.email)).toHaveLength(1)
  })

  it('a page in cookie mode keeps the device token in its cookie', async () => {
    const owner = await registerVerified(running)
    await requireConfirmation(owner.email)
    const page = { 'latchkey-mode': 'cookie', 'sec-fetch-site': 'same-origin', 'x-forwarded-for': elsewhere }
    const asked = await running.api.post('/v1/login', { headers: page, body: { email: owner.email, password } })
    expect([outcome(asked), asked.body.device_token]).toEqual(['device_confirmation_required', undefined])
    const [cookie = ''] = asked.headers.getSetCookie().map((line) => line.slice(0, line.indexOf(';')))
    expect(cookie).toMatch(/^__Host-latchkey-device=/)
    const { token } = await newestLetter(running, owner.email, confirmYours)
    const headers = { ...page, cookie }
    expect(outcome(await running.api.post('/v1/login/confirm', { headers, body: { token } }))).toBe(204)
    const signedIn = await running.api.post('/v1/login', { headers, body: { email: owner.email, password } })
    expect(signedIn.status).toBe(200)
  })
})
