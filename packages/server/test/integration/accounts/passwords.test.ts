import { Keyring } from 'latchkey'
import { afterEach, describe, expect, it } from 'vitest'
import { createPasswordHasher } from '../../../src/accounts/password-hasher.js'
import { freshEmail, login, password, register } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

const cheap = { memoryCost: 1024, timeCost: 1, parallelism: 1 }
const [first, second] = [Keyring.generate('p1'), Keyring.generate('p2')]

describe.each(databases)('passwords on %s', (database) => {
  const started: TestServer[] = []

  afterEach(async () => {
    for (const server of started.splice(0).reverse()) await server.stop()
  })

  const start = async (...options: Parameters<TestServer['startAnother']>) => {
    const server = await (started[0]?.startAnother(...options) ?? startServer({ database, ...options[0] }))
    started.push(server)
    return server
  }
  const hashOf = async (email: string) => {
    const { rows } = await (started[0] as TestServer).server.service.store.query<{ hash: string }>(
      'select password_hash as hash from server_accounts where email = $1',
      [email],
    )
    return rows[0]?.hash
  }

  it('that are common are refused, at registration and at a change', async () => {
    const running = await start()
    const common = await running.api.post('/v1/register', {
      body: { email: freshEmail(), password: '123456789123456789' },
    })
    expect([common.status, common.body.code]).toEqual([400, 'password_common'])
    const person = await register(running)
    const body = { current_password: password, new_password: person.email }
    const change = await running.api.post('/v1/me/password', { token: person.token, body })
    expect([change.status, change.body.code]).toEqual([400, 'password_common'])
  })

  it('that contain the name of the service, the address or the name of the owner are refused wherever one is set', async () => {
    const running = await start()
    const body = { email: 'grace.hopper@navy.example', name: 'Grace Hopper' }
    const registering = async (secret: string) =>
      (await running.api.post('/v1/register', { body: { ...body, password: secret } })).body.code
    for (const secret of ['latchkey-latchkey-1', 'My issuer 2026!', 'gr4ce.h0pper@navy', 'hopper grace hopper']) {
      expect([secret, await registering(secret)]).toEqual([secret, 'password_common'])
    }
    expect(await registering('grace, with a few words more')).toBeUndefined()
    const { token } = await login(running, body.email, 'grace, with a few words more')
    const change = { current_password: 'grace, with a few words more', new_password: 'Hopper at Latchkey' }
    expect((await running.api.post('/v1/me/password', { token, body: change })).body.code).toBe('password_common')
  })

  it('that were set when shorter ones were allowed keep working', async () => {
    const before = await start({ configuration: { passwordMinLength: 8 } })
    const email = freshEmail()
    await before.api.post('/v1/register', { body: { email, password: 'twelve chars' } })
    const now = await start({ configuration: { passwordMinLength: 15 } })
    const { token } = await login(now, email, 'twelve chars')
    const body = { current_password: 'twelve chars', new_password: 'fourteen chars' }
    expect((await now.api.post('/v1/me/password', { token, body })).body.code).toBe('password_too_short')
  })

  it('have the minimum length that the operator sets, which the hint states', async () => {
    const { api } = await start({ configuration: { passwordMinLength: 8 } })
    const registering = (secret: string) =>
      api.post('/v1/register', { body: { email: freshEmail(), password: secret } })
    expect((await registering('eight ch')).status).toBe(201)
    const { body } = await registering('sevench')
    expect(body.code).toBe('password_too_short')
    expect(body.hint).toContain('8 characters')
  })

  it('are rehashed with more work at the next login, even at several concurrent ones', async () => {
    const before = await start({ parts: { passwords: await createPasswordHasher({ cost: cheap }) } })
    const { email } = await register(before)
    expect(await hashOf(email)).toContain('m=1024,t=1,p=1')
    const now = await start({ parts: { passwords: await createPasswordHasher() } })
    await expect(login(now, email, 'a wrong password')).rejects.toThrow('invalid_credentials')
    expect(await hashOf(email)).toContain('m=1024,t=1,p=1')
    await Promise.all([login(now, email), login(now, email), login(now, email)])
    const upgraded = await hashOf(email)
    expect(upgraded).toContain('m=19456,t=2,p=1')
    await login(now, email)
    expect(await hashOf(email)).toBe(upgraded)
  })

  it('get the newest pepper at the next login, and keep the previous one until then', async () => {
    const plain = await start()
    const [early, late] = [await register(plain), await register(plain)]
    const peppered = await start({ configuration: { passwordPeppers: first } })
    await login(peppered, early.email)
    expect(await hashOf(early.email)).toMatch(/^pepper:p1\$argon2id\$/)
    const rotated = await start({ configuration: { passwordPeppers: `${second},${first}` } })
    await login(rotated, early.email)
    await login(rotated, late.email)
    for (const { email } of [early, late]) expect(await hashOf(email)).toMatch(/^pepper:p2\$argon2id\$/)
    await expect(login(rotated, early.email, 'a wrong password')).rejects.toThrow('invalid_credentials')
  })

  it('do not match without their pepper, nor with another pepper of the same name', async () => {
    const peppered = await start({ configuration: { passwordPeppers: first } })
    const { email } = await register(peppered)
    const other = await start({ configuration: { passwordPeppers: Keyring.generate('p1') } })
    await expect(login(other, email)).rejects.toThrow('invalid_credentials')
  })

  it('prevent the start of a server that lacks the pepper of one of them', async () => {
    const peppered = await start({ configuration: { passwordPeppers: first } })
    await register(peppered)
    for (const passwordPeppers of [undefined, second]) {
      await expect(start({ configuration: { passwordPeppers } })).rejects.toMatchObject({ code: 'pepper_missing' })
    }
  })
})
