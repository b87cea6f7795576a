import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { PasswordHasher } from '../../../src/accounts/password-hasher.js'
import { operator } from '../../../src/audit/operator.js'
import { cheapPasswords } from '../../support/cheap-passwords.js'
import { type Person, password, register } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

const wrong = 'certainly not the password'

/** More attempts than may be wrong before a delay applies. */
const often = Array.from({ length: 6 }, (_, index) => index)

describe.each(databases)('a login on %s that is refused for another reason than its password', (database) => {
  let running: TestServer
  let real: PasswordHasher
  let person: Person
  let deviceToken: string
  let fault: Error | undefined

  beforeAll(async () => {
    real = await cheapPasswords()
    const passwords: PasswordHasher = {
      hash: (text) => real.hash(text),
      isOutdated: (hashed) => real.isOutdated(hashed),
      compare: async (text, hashed) => {
        if (fault !== undefined) throw fault
        return real.compare(text, hashed)
      },
    }
    running = await startServer({
      database,
      configuration: { trustedProxies: ['127.0.0.1'] },
      parts: { passwords },
    })
  })
  afterAll(() => running.stop())

  beforeEach(async () => {
    fault = undefined
    person = await register(running)
    deviceToken = (await login(password, '198.51.100.1')).body.device_token
  })

  const login = (secret: string, from: string, device?: string, api = running.api) =>
    api.post('/v1/login', {
      headers: { 'x-forwarded-for': from, ...(device === undefined ? {} : { 'latchkey-device': device }) },
      body: { email: person.email, password: secret },
    })
  const codes = async (secret: string, from: (index: number) => string, device?: string) => {
    const answers = []
    for (const index of often) answers.push((await login(secret, from(index), device)).body.code)
    return [...new Set(answers)]
  }
  /** An unknown network, the same network, and a known device: each has its own counter. */
  const places = [
    { from: (index: number) => `203.0.113.${index}` },
    { from: () => '203.0.113.99' },
    { from: () => '198.51.100.1' },
    { from: () => '203.0.113.98', device: () => deviceToken },
  ]

  it('does not count as a guess where the account is disabled', async () => {
    await running.server.service.administration.disable(operator, person.id)
    for (const { from, device } of places) {
      expect(await codes(password, from, device?.())).toEqual(['account_disabled'])
    }
    await running.server.service.administration.enable(operator, person.id)
    expect((await login(password, '203.0.113.200')).status).toBe(200)
  })

  it('does not count as a guess where the address is not verified', async () => {
    const strict = await running.startAnother({ configuration: { unverifiedSignIn: 'refuse' } })
    for (const index of often) {
      const { body } = await login(password, `203.0.113.${index}`, undefined, strict.api)
      expect(body.code).toBe('email_unverified')
    }
    await strict.stop()
    expect((await login(password, '203.0.113.200')).status).toBe(200)
  })

  it('does not count as a guess where the password could not be compared', async () => {
    fault = new Error('no memory for this hash')
    for (const { from, device } of places) {
      expect(await codes(password, from, device?.())).toEqual(['internal_error'])
    }
    fault = undefined
    expect((await login(password, '203.0.113.200')).status).toBe(200)
  })

  it('does not count as a guess where the password accompanies a token and could not be compared', async () => {
    const change = (secret: string) =>
      running.api.post('/v1/me/password', {
        token: person.token,
        body: { current_password: secret, new_password: `${password}!` },
      })
    fault = new Error('no memory for this hash')
    for (const _ of often) expect((await change(password)).body.code).toBe('internal_error')
    fault = undefined
    expect((await change(password)).status).toBe(200)
  })

  it('counts as a guess where the password is wrong', async () => {
    await running.server.service.administration.disable(operator, person.id)
    expect(await codes(wrong, (index) => `203.0.113.${index}`)).toEqual(['invalid_credentials', 'guess_delayed'])
    expect((await login(password, '203.0.113.200')).body.code).toBe('guess_delayed')
  })
})
