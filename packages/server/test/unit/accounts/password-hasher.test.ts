import { parseOptions } from '@node-rs/argon2'
import { describe, expect, it } from 'vitest'
import { noPassword } from '../../../src/accounts/password.js'
import { createPasswordHasher } from '../../../src/accounts/password-hasher.js'

describe('the hash of a password', () => {
  it('is Argon2id with the parameters of OWASP, and a new salt', async () => {
    const passwords = await createPasswordHasher()
    const [first, second] = [await passwords.hash('some password'), await passwords.hash('some password')]
    expect(first).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    expect(parseOptions(first).saltLen).toBeGreaterThanOrEqual(16)
    expect(first).not.toBe(second)
  })

  it('matches its password in every composition, and no other', async () => {
    const passwords = await createPasswordHasher()
    const hashed = await passwords.hash('caf\u00e9 au lait')
    expect(await passwords.compare('cafe\u0301 au lait', hashed)).toEqual({ matches: true, rehash: false })
    expect(await passwords.compare('cafe au lait', hashed)).toEqual({ matches: false, rehash: false })
  })

  it('does not block the event loop', async () => {
    const passwords = await createPasswordHasher()
    let turns = 0
    const timer = setInterval(() => (turns += 1), 1)
    await Promise.all([passwords.hash('one'), passwords.hash('two'), passwords.compare('three', undefined)])
    clearInterval(timer)
    expect(turns).toBeGreaterThan(3)
  })

  it('without an account is never matched', async () => {
    const passwords = await createPasswordHasher()
    expect((await passwords.compare('', undefined)).matches).toBe(false)
  })

  it('of an account without a password is never matched, and costs the same', async () => {
    const passwords = await createPasswordHasher()
    expect((await passwords.compare('', noPassword)).matches).toBe(false)
    expect((await passwords.compare(noPassword, noPassword)).matches).toBe(false)
    expect(passwords.isOutdated(noPassword)).toBe(false)
  })
})
