import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Comparison, createPasswordHasher, type PasswordHasher } from '../../../src/accounts/password-hasher.js'
import { createAdmin, freshEmail, password, register } from '../../support/people.js'
import { startServer, type TestServer } from '../../support/start-server.js'

/** Counts the calls to the real hasher. */
class CountingHasher implements PasswordHasher {
  readonly #inner: PasswordHasher
  calls: string[] = []

  constructor(inner: PasswordHasher) {
    this.#inner = inner
  }

  hash(text: string): Promise<string> {
    this.calls.push('hash')
    return this.#inner.hash(text)
  }

  isOutdated(hashed: string): boolean {
    return this.#inner.isOutdated(hashed)
  }

  compare(text: string, hashed: string | undefined): Promise<Comparison> {
    this.calls.push('compare')
    return this.#inner.compare(text, hashed)
  }
}

describe('the work of an answer', () => {
  let running: TestServer
  let passwords: CountingHasher

  beforeAll(async () => {
    passwords = new CountingHasher(await createPasswordHasher())
    running = await startServer({ database: 'sqlite', parts: { passwords } })
  })
  afterAll(() => running.stop())

  const workOf = async (path: string, body: object) => {
    passwords.calls = []
    const { status } = await running.api.post(path, { body })
    return { status, calls: passwords.calls.join() }
  }

  it('to a login is the same for a wrong password, an unknown address, a disabled account and no address at all', async () => {
    const person = await register(running)
    const disabled = await register(running)
    const admin = await createAdmin(running)
    await running.api.post(`/v1/admin/users/${disabled.id}/disable`, { token: admin.token })
    for (const email of [person.email, freshEmail(), disabled.email, 'nonsense', 'x@@y']) {
      const work = await workOf('/v1/login', { email, password: 'not the right password' })
      expect([email, work]).toEqual([email, { status: 401, calls: 'compare' }])
    }
  })

  it('to a registration is the same whether or not the address is taken', async () => {
    const { email } = await register(running)
    expect(await workOf('/v1/register', { email, password })).toEqual({ status: 409, calls: 'hash' })
    expect(await workOf('/v1/register', { email: freshEmail(), password })).toEqual({ status: 201, calls: 'hash' })
  })
})
