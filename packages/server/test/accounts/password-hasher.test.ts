import { parseOptions } from '@node-rs/argon2'
import { describe, expect, it } from 'vitest'
import { createPasswordHasher } from '../../src/accounts/password-hasher.js'

describe('the hash of a password', () => {
  it('is Argon2id with the parameters that OWASP asks for, and a salt of its own', async () => {
    const passwords = await createPasswordHasher()
    const [first, second] = [await passwords.hash('some password'), await passwords.hash('some password')]
    expect(first).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    expect(parseOptions(first).saltLen).toBeGreaterThanOrEqual(16)
    expect(first).not.toBe(second)
  })

  it('knows its password in every composition, and no other', async () => {
    const passwords = await createPasswordHasher()
    const hashed = await passwords.hash('caf\u00e9 au lait')
    expect(await passwords.verify('cafe\u0301 au lait', hashed)).toBe(true)
    expect(await passwords.verify('cafe au lait', hashed)).toBe(false)
  })

  it('does not block the event loop', async () => {
    const passwords = await createPasswordHasher()
    let turns = 0
    const timer = setInterval(() => (turns += 1), 1)
    await Promise.all([passwords.hash('one'), passwords.hash('two'), passwords.verify('three', undefined)])
    clearInterval(timer)
    expect(turns).toBeGreaterThan(3)
  })

  it('of nobody is never matched', async () => {
    const passwords = await createPasswordHasher()
    expect(await passwords.verify('', undefined)).toBe(false)
  })
})
