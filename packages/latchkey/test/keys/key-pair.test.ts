import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import type { SignatureAlgorithm } from '../../src/jws/algorithms.js'
import { keyPair } from '../../src/keys/key-pair.js'
import type { KeySource } from '../../src/keys/key-source.js'
import { createLatchkey } from '../../src/latchkey.js'
import { Keyring } from '../../src/sealing/keyring.js'
import { memoryStore } from '../../src/stores/memory/index.js'
import { createFakeClock } from '../../src/testing/fake-clock.js'
import { outcomeOf, setUp } from '../support/setup.js'

const issuer = 'https://issuer.test'
const masterKeys = Keyring.generate('test')

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
const privateKeys: Readonly<Record<SignatureAlgorithm, KeyObject>> = {
  EdDSA: generateKeyPairSync('ed25519').privateKey,
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
  ES384: generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey,
  ES512: generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey,
  RS256: rsa,
  RS384: rsa,
  RS512: rsa,
  PS256: rsa,
  PS384: rsa,
  PS512: rsa,
}
const algorithms = Object.keys(privateKeys) as SignatureAlgorithm[]

function latchkeyOver(keys: KeySource, clock = createFakeClock(Date.now())) {
  return createLatchkey({ issuer, audience: 'test', keys, clock })
}

function verifyElsewhere(token: string, jwks: unknown) {
  return jwtVerify(token, createLocalJWKSet(jwks as JSONWebKeySet), { issuer, audience: 'test', typ: 'at+jwt' })
}

describe('configured key pairs', () => {
  it.each(algorithms)('sign with %s, and another library verifies by the JWKS', async (alg) => {
    const keys = keyPair({ keys: [{ kid: 'k1', alg, privateKey: privateKeys[alg] }] })
    const latchkey = latchkeyOver(keys)
    const { token } = await latchkey.issue({ subject: 'alice' })
    expect(await latchkey.verify(token)).toMatchObject({ subject: 'alice' })
    const { payload, protectedHeader } = await verifyElsewhere(token, await keys.jwks())
    expect(payload.sub).toBe('alice')
    expect(protectedHeader).toEqual({ alg, typ: 'at+jwt', kid: 'k1' })
  })

  it.each(algorithms)('never publish a private member with %s', async (alg) => {
    const pem = privateKeys[alg].export({ format: 'pem', type: 'pkcs8' }).toString()
    const { keys } = await keyPair({ keys: [{ kid: 'k1', alg, privateKey: pem }] }).jwks()
    for (const jwk of keys) {
      expect(
        Object.keys(jwk).filter((name) => !['kty', 'kid', 'alg', 'use', 'crv', 'x', 'y', 'n', 'e'].includes(name)),
      ).toEqual([])
      expect(jwk).toMatchObject({ kid: 'k1', alg, use: 'sig' })
    }
  })

  it('sign with the current one, and verify what next and previous ones signed', async () => {
    const pair = (kid: string, stage: 'next' | 'current' | 'previous') =>
      ({ kid, alg: 'ES256', stage, privateKey: stages[stage] }) as const
    const stages = {
      next: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
      current: privateKeys.ES256,
      previous: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
    }
    const keys = keyPair({ keys: [pair('n', 'next'), pair('c', 'current'), pair('p', 'previous')] })
    const latchkey = latchkeyOver(keys)
    const { token } = await latchkey.issue({ subject: 'alice' })
    expect((await latchkey.verify(token)).kid).toBe('c')
    for (const [kid, stage] of [
      ['n', 'next'],
      ['p', 'previous'],
    ] as const) {
      const other = latchkeyOver(keyPair({ keys: [{ ...pair(kid, stage), stage: 'current' }] }))
      expect((await latchkey.verify((await other.issue({ subject: 'alice' })).token)).kid).toBe(kid)
    }
    expect((await keys.jwks()).keys.map(({ kid }) => kid).sort()).toEqual(['c', 'n', 'p'])
  })

  it('refuse a public key that is taken for a secret, and tokens of another kid', async () => {
    const { createHmac, createPublicKey } = await import('node:crypto')
    const latchkey = latchkeyOver(keyPair({ keys: [{ kid: 'k1', alg: 'RS256', privateKey: rsa }] }))
    const { token } = await latchkey.issue({ subject: 'alice' })
    const header = Buffer.from(JSON.stringify({ alg: 'HS256', typ: 'at+jwt', kid: 'k1' })).toString('base64url')
    const input = `${header}.${token.split('.')[1]}`
    const pem = createPublicKey(rsa).export({ format: 'pem', type: 'spki' })
    const forged = `${input}.${createHmac('sha256', pem).update(input).digest('base64url')}`
    expect(await outcomeOf(() => latchkey.verify(forged))).toBe('algorithm_refused')
    const other = latchkeyOver(keyPair({ keys: [{ kid: 'k2', alg: 'RS256', privateKey: rsa }] }))
    expect(await outcomeOf(() => other.verify(token))).toBe('kid_unknown')
  })

  it.each([
    ['none', []],
    [
      'two that sign',
      [
        { kid: 'a', stage: 'current' },
        { kid: 'b', stage: 'current' },
      ],
    ],
    ['two of one name', [{ kid: 'a' }, { kid: 'a' }]],
    ['one without a name', [{ kid: '' }]],
  ] as const)('may not be %s', (_, pairs) => {
    const keys = pairs.map((pair) => ({ alg: 'ES256' as const, privateKey: privateKeys.ES256, ...pair }))
    expect(() => keyPair({ keys })).toThrow(TypeError)
  })

  it('must fit their algorithm', () => {
    expect(() => keyPair({ keys: [{ kid: 'a', alg: 'ES384', privateKey: privateKeys.ES256 }] })).toThrow(TypeError)
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey
    expect(() => keyPair({ keys: [{ kid: 'a', alg: 'RS256', privateKey: weak }] })).toThrow(TypeError)
  })
})

describe('stored key pairs', () => {
  it('are made at first use, once, by however many processes, and found again', async () => {
    const store = memoryStore()
    const clock = createFakeClock(Date.now())
    const processes = Array.from({ length: 5 }, () => latchkeyOver(keyPair({ store, masterKeys, clock }), clock))
    const tokens = await Promise.all(processes.map(async (one) => (await one.issue({ subject: 'alice' })).token))
    for (const one of processes) {
      for (const token of tokens) expect(await one.verify(token)).toMatchObject({ subject: 'alice' })
    }
    expect(await store.readKeyPairs()).toHaveLength(2)
  })

  it('are sealed in the store', async () => {
    const store = memoryStore()
    const keys = keyPair({ store, masterKeys })
    await keys.jwks()
    const [record] = await store.readKeyPairs()
    if (record === undefined) throw new Error('Keys were made.')
    const binding = ['key-pair', record.kid, record.algorithm] as const
    const der = Keyring.parse(masterKeys).open(record, binding)
    expect(JSON.stringify(await store.readKeyPairs())).not.toContain(der.toString('base64url').slice(60, 90))
    const without = keyPair({ store, masterKeys: Keyring.generate('other') })
    expect(await outcomeOf(() => without.jwks())).toBe('master_key_missing')
  })

  it('publish the next key before it signs, and verify the previous one until its last token has expired', async () => {
    const store = memoryStore()
    const clock = createFakeClock(Date.now())
    const keys = keyPair({ store, masterKeys, clock, maxTokenTtl: 900 })
    const latchkey = latchkeyOver(keys, clock)
    const before = await latchkey.issue({ subject: 'alice', expiresIn: 900 })
    const kidOf = async (token: string) => (await latchkey.verify(token)).kid
    const signedWith = await kidOf(before.token)
    const published = (await keys.jwks()).keys.map(({ kid }) => kid)
    await keys.rotate()
    const after = await latchkey.issue({ subject: 'alice' })
    expect(published).toContain(await kidOf(after.token))
    expect(await kidOf(after.token)).not.toBe(signedWith)
    expect((await keys.jwks()).keys).toHaveLength(3)
    clock.advance(899_000)
    expect(await kidOf(before.token)).toBe(signedWith)
    clock.advance(1000)
    expect((await keys.jwks()).keys).toHaveLength(2)
    await keys.rotate()
    expect(await store.readKeyPairs()).toHaveLength(3)
  })

  it('let a process verify at once what another one signs after a rotation', async () => {
    const store = memoryStore()
    const clock = createFakeClock(Date.now())
    const [one, other] = [keyPair({ store, masterKeys, clock }), keyPair({ store, masterKeys, clock })]
    const verifier = latchkeyOver(other, clock)
    await verifier.verify((await latchkeyOver(one, clock).issue({ subject: 'alice' })).token)
    await one.rotate()
    await one.rotate()
    clock.advance(1000)
    const { token } = await latchkeyOver(one, clock).issue({ subject: 'alice' })
    expect(await verifier.verify(token)).toMatchObject({ subject: 'alice' })
  })

  it('read the store once for a flood of unknown kids', async () => {
    const store = memoryStore()
    const clock = createFakeClock(Date.now())
    const keys = keyPair({ store, masterKeys, clock })
    const latchkey = latchkeyOver(keys, clock)
    const { token } = await latchkey.issue({ subject: 'alice' })
    let reads = 0
    const readKeyPairs = store.readKeyPairs.bind(store)
    store.readKeyPairs = () => {
      reads += 1
      return readKeyPairs()
    }
    clock.advance(1000)
    for (let count = 0; count < 100; count += 1) {
      const header = { alg: 'ES256', typ: 'at+jwt', kid: `forged-${count}` }
      const forged = [Buffer.from(JSON.stringify(header)).toString('base64url'), ...token.split('.').slice(1)].join('.')
      expect(await outcomeOf(() => latchkey.verify(forged))).toBe('kid_unknown')
    }
    expect(reads).toBe(1)
  })

  it('move to a new master key with everything else', async () => {
    const store = memoryStore()
    const clock = createFakeClock(Date.now())
    const { token } = await latchkeyOver(keyPair({ store, masterKeys, clock }), clock).issue({ subject: 'alice' })
    const newest = Keyring.generate('newest')
    const { keys } = setUp({ store, masterKeys: `${newest},${masterKeys}` })
    await keys.rewrap()
    const moved = keyPair({ store, masterKeys: newest, clock })
    expect(await latchkeyOver(moved, clock).verify(token)).toMatchObject({ subject: 'alice' })
  })

  it('answer 503 after close', async () => {
    const keys = keyPair({ store: memoryStore(), masterKeys })
    await keys.jwks()
    await keys.close()
    expect(await outcomeOf(() => keys.jwks())).toBe('store_closed')
    expect(await outcomeOf(() => keys.rotate())).toBe('store_closed')
  })
})
