import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { freshEmail, type Person, password, personOf } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

const minuteMs = 60_000
const home = '198.51.100.1'
const wrong = 'certainly not the password'

describe.each(databases)('guessing a password on %s', (database) => {
  let running: TestServer
  let owner: Person
  let deviceToken: string

  beforeEach(async () => {
    running = await startServer({ database, configuration: { trustedProxies: ['127.0.0.1'] } })
    const { body } = await post('/v1/register', { email: freshEmail(), password }, { from: home })
    owner = personOf(body)
    deviceToken = body.device_token
  })
  afterEach(() => running.stop())

  const post = (path: string, body: object, { from, device }: { from: string; device?: string }) =>
    running.api.post(path, {
      headers: { 'x-forwarded-for': from, ...(device === undefined ? {} : { 'latchkey-device': device }) },
      body,
    })
  const login = (secret: string, who: { from: string; device?: string }, email = owner.email) =>
    post('/v1/login', { email, password: secret }, who)
  const address = (index: number) => `203.0.${index >> 8}.${index & 255}`

  /** Guesses from one address after another until an answer asks it to wait. */
  const guess = async (email = owner.email) => {
    for (let count = 0; ; count += 1) {
      const answer = await login(wrong, { from: address(count) }, email)
      if (answer.status === 429) return { count, answer }
    }
  }

  /** Guesses until the delay is so long that a slow test does not outlast it. */
  const guessUntilLongDelay = async () => {
    await guess()
    for (;;) {
      const { headers, status } = await login(wrong, { from: address(77) })
      const delaySec = Number(headers.get('retry-after'))
      if (status === 429 && delaySec > 300) return
      running.clock.advance(delaySec * 1000)
    }
  }

  it('from new addresses soon gets 429 with the time of the next attempt', async () => {
    const { count, answer } = await guess()
    expect(count).toBe(5)
    expect(answer.body.code).toBe('guess_delayed')
    expect(answer.headers.get('retry-after')).toBe('1')
    running.clock.advance(1000)
    expect((await login(wrong, { from: address(7) })).status).toBe(401)
    expect((await login(wrong, { from: address(8) })).headers.get('retry-after')).toBe('2')
  })

  it('is not attempted during the delay: the right password gets the same answer as a wrong one', async () => {
    await guessUntilLongDelay()
    const [right, other] = [await login(password, { from: address(9) }), await login(wrong, { from: address(9) })]
    expect([right.status, right.body.code]).toEqual([429, 'guess_delayed'])
    expect(right.body).toEqual({ ...other.body, request_id: right.body.request_id })
  })

  it('gets the same answers where there is no such account', async () => {
    expect((await guess(freshEmail())).count).toBe((await guess()).count)
  })

  it('by a thousand concurrent requests is limited to five attempts', async () => {
    // The clock stands still, so that the delay does not pass on a slow machine during sixty
    // logins.
    const standingStill = vi.spyOn(running.clock, 'now').mockReturnValue(running.clock.now())
    const answers = await Promise.all(Array.from({ length: 60 }, (_, index) => login(wrong, { from: address(index) })))
    standingStill.mockRestore()
    const tried = answers.filter(({ status }) => status === 401)
    expect(tried.length).toBeGreaterThan(0)
    expect(tried.length).toBeLessThanOrEqual(5)
  })

  it('never delays the owner on a known device, whatever its network', async () => {
    await guess()
    for (const from of ['192.0.2.77', address(3)]) {
      expect((await login(password, { from, device: deviceToken })).status).toBe(200)
    }
  })

  it('never delays the owner on a new device in a network with an earlier sign-in to the account', async () => {
    await guess()
    expect((await login(password, { from: home })).status).toBe(200)
  })

  it('delays the owner on a new device elsewhere until the delay of unknown devices is over', async () => {
    const { answer } = await guess()
    const elsewhere = { from: '192.0.2.77' }
    expect((await login(password, elsewhere)).status).toBe(429)
    running.clock.advance(Number(answer.headers.get('retry-after')) * 1000)
    const { status, body } = await login(password, elsewhere)
    expect(status).toBe(200)
    await guess()
    expect((await login(password, elsewhere)).status).toBe(200)
    expect((await login(password, { from: '192.0.2.78', device: body.device_token })).status).toBe(200)
  })

  it('with a device token of another account, an invented one or an altered one counts as guessing by an unknown device', async () => {
    const other = await post('/v1/register', { email: freshEmail(), password }, { from: '192.0.2.80' })
    await guess()
    const altered = `${deviceToken.slice(0, 5)}${deviceToken[5] === 'A' ? 'B' : 'A'}${deviceToken.slice(6)}`
    for (const device of [other.body.device_token, altered, 'A'.repeat(43), 'nonsense']) {
      expect((await login(password, { from: '192.0.2.81', device })).status).toBe(429)
    }
  })

  it('with a stolen device token is delayed too, and delays no other device', async () => {
    for (let count = 0; count < 5; count += 1) await login(wrong, { from: address(count), device: deviceToken })
    expect((await login(password, { from: address(1), device: deviceToken })).status).toBe(429)
    expect((await login(password, { from: '192.0.2.77' })).status).toBe(200)
  })

  it('does not change the token of a device at a login, and each login resets its count of wrong passwords', async () => {
    for (let round = 0; round < 3; round += 1) {
      for (let count = 0; count < 4; count += 1) await login(wrong, { from: home, device: deviceToken })
      const { status, body } = await login(password, { from: home, device: deviceToken })
      expect([status, body.device_token]).toEqual([200, deviceToken])
    }
  })

  it('is counted separately for several accounts on one device', async () => {
    const second = await post('/v1/register', { email: freshEmail(), password }, { from: home, device: deviceToken })
    expect(second.body.device_token).toBe(deviceToken)
    await guess(second.body.account.email)
    await guess()
    for (const email of [owner.email, second.body.account.email]) {
      expect((await login(password, { from: '192.0.2.77', device: deviceToken }, email)).status).toBe(200)
    }
  })

  it('does not delay a device that the owner has added on another one', async () => {
    await guess()
    const addDevice = (secret: string) =>
      running.api.post('/v1/me/devices', { token: owner.token, body: { password: secret } })
    expect((await addDevice(wrong)).body.code).toBe('password_wrong')
    const { status, body } = await addDevice(password)
    expect([status, body.expires_in]).toEqual([201, 86_400])
    const elsewhere = { from: '192.0.2.77', device: body.device_token }
    const signedIn = await login(password, elsewhere)
    expect([signedIn.status, signedIn.body.device_token]).toEqual([200, body.device_token])
    const unused = (await addDevice(password)).body.device_token
    running.clock.advance(24 * 60 * minuteMs)
    await guess()
    expect((await login(password, { from: '192.0.2.78', device: unused })).status).toBe(429)
    expect((await login(password, { from: '192.0.2.78', device: body.device_token })).status).toBe(200)
  })

  it('stays delayed when the owner signs in', async () => {
    await guess()
    running.clock.advance(1000)
    expect((await login(password, { from: '192.0.2.77' })).status).toBe(200)
    expect((await login(wrong, { from: address(99) })).status).toBe(429)
  })

  it('stays delayed at another server, and after a restart', async () => {
    await guessUntilLongDelay()
    const another = await running.startAnother()
    const body = { email: owner.email, password: wrong }
    const answer = await another.api.post('/v1/login', { headers: { 'x-forwarded-for': address(77) }, body })
    await another.stop()
    expect(answer.body.code).toBe('guess_delayed')
  })

  it('with a stolen access token is delayed session by session', async () => {
    const { token } = owner
    const change = () =>
      running.api.post('/v1/me/password', { token, body: { current_password: wrong, new_password: `${password}!` } })
    for (let count = 0; count < 5; count += 1) expect((await change()).body.code).toBe('password_wrong')
    for (const answer of [
      await change(),
      await running.api.delete('/v1/me', { token, body: { password } }),
      await running.api.patch('/v1/me', { token, body: { email: freshEmail(), password } }),
    ]) {
      expect([answer.status, answer.body.code]).toEqual([429, 'guess_delayed'])
    }
    const elsewhere = personOf((await login(password, { from: home })).body)
    const body = { current_password: password, new_password: `${password}!` }
    expect((await running.api.post('/v1/me/password', { token: elsewhere.token, body })).status).toBe(200)
  })

  it('leaves no account names in the database, and no rows after a while', async () => {
    const { store, guesses } = running.server.service
    await guess()
    const count = async () => (await store.query<{ name: string }>('select name from server_guess_lanes')).rows
    expect(JSON.stringify(await count())).not.toMatch(/@|203\.0|198\.51/)
    const before = (await count()).length
    await guesses.prune()
    expect((await count()).length).toBe(before)
    running.clock.advance(31 * 24 * 60 * minuteMs)
    await guesses.prune()
    expect((await count()).length).toBe(2)
    running.clock.advance(180 * 24 * 60 * minuteMs)
    await guesses.prune()
    expect(await count()).toEqual([])
  })
})
