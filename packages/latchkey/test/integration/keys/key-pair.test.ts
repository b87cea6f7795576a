import { createHmac, createPublicKey, createSecretKey, type KeyObject } from 'node:crypto'
import { inspect } from 'node:util'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { LatchkeyError } from '../../../src/errors.js'
import type { SignatureAlgorithm } from '../../../src/jws/algorithms.js'
import { keyPair } from '../../../src/keys/key-pair.js'
import type { KeyPairStore } from '../../../src/keys/key-pair-store.js'
import type { KeySource } from '../../../src/keys/key-source.js'
import type { StoredKeyPairOptions } from '../../../src/keys/stored-key-pairs.js'
import { createLatchkey } from '../../../src/latchkey.js'
import { Keyring } from '../../../src/sealing/keyring.js'
import { memoryStore } from '../../../src/stores/memory/index.js'
import { createFakeClock } from '../../../src/testing/fake-clock.js'
import { emptySqlite } from '../../support/databases.js'
import { generatePair } from '../../support/generate-pair.js'
import { failureOf } from '../../support/issuer.js'
import { outcomeOf, setUp } from '../../support/setup.js'

const issuer = 'https://issuer.test'
const masterKeys = Keyring.generate('test')

const rsa = generatePair('rsa', { modulusLength: 2048 }).privateKey
const privateKeys: Readonly<Record<SignatureAlgorithm, KeyObject>> = {
  Ed25519: generatePair('ed25519').privateKey,
  EdDSA: generatePair('ed25519').privateKey,
  ES256: generatePair('ec', { namedCurve: 'P-256' }).privateKey,
  ES384: generatePair('ec', { namedCurve: 'P-384' }).privateKey,
  ES512: generatePair('ec', { namedCurve: 'P-521' }).privateKey,
  RS256: rsa,
  RS384: rsa,
  RS512: rsa,
  PS256: rsa,
  PS384: rsa,
  PS512: rsa,
}
const algorithms = Object.keys(privateKeys) as SignatureAlgorithm[]

function pemOf(key: KeyObject): string {
  return key.export({ format: 'pem', type: 'pkcs8' }).toString()
}

function latchkeyOver(keys: KeySource, clock = createFakeClock(Date.now())) {
  return createLatchkey({ issuer, audience: 'test', keys, clock })
}

function verifyElsewhere(token: string, jwks: unknown) {
  return jwtVerify(token, createLocalJWKSet(jwks as JSONWebKeySet), { issuer, audience: 'test', typ: 'at+jwt' })
}

function withHeader(token: string, header: object): string {
  return [Buffer.from(JSON.stringify(header)).toString('base64url'), ...token.split('.').slice(1)].join('.')
}

function bound(store: KeyPairStore): KeyPairStore {
  return { readKeyPairs: store.readKeyPairs.bind(store), changeKeyPairs: store.changeKeyPairs.bind(store) }
}

/** Two processes over one store, both with its keys in memory. */
async function twoProcesses() {
  const store = memoryStore()
  const clock = createFakeClock(Date.now())
  const start = () => {
    const keys = keyPair({ store, masterKeys, clock, maxTokenTtl: 900 })
    const latchkey = latchkeyOver(keys, clock)
    const kid = async () => (await keys.signingKey('alice')).kid
    return { keys, latchkey, kid }
  }
  const [one, other] = [start(), start()]
  await one.keys.jwks()
  await other.keys.jwks()
  return { store, clock, one, other }
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

  it('sign with the current one, and verify tokens of the next and the previous ones', async () => {
    const pair = (kid: string, stage: 'next' | 'current' | 'previous') =>
      ({ kid, alg: 'ES256', stage, privateKey: stages[stage] }) as const
    const stages = {
      next: generatePair('ec', { namedCurve: 'P-256' }).privateKey,
      current: privateKeys.ES256,
      previous: generatePair('ec', { namedCurve: 'P-256' }).privateKey,
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

  it('refuse tokens signed with a public key as a secret, and tokens of another kid', async () => {
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
    const weak = generatePair('rsa', { modulusLength: 1024 }).privateKey
    expect(() => keyPair({ keys: [{ kid: 'a', alg: 'RS256', privateKey: weak }] })).toThrow(TypeError)
  })

  it.each([
    ['no PEM', 'not a key'],
    ['a public key', createPublicKey(privateKeys.EdDSA).export({ format: 'pem', type: 'spki' }).toString()],
    ['a public KeyObject', createPublicKey(privateKeys.EdDSA)],
    ['a secret', createSecretKey(Buffer.alloc(32))],
  ])('may not be %s', (_, privateKey) => {
    expect(() => keyPair({ keys: [{ kid: 'a', alg: 'EdDSA', privateKey }] })).toThrow(TypeError)
  })

  it.each<[string, string, string | KeyObject, RegExp]>([
    ['a key on another curve', 'ES384', privateKeys.ES256, /"a".*secp384r1.*prime256v1/],
    ['a key that is too short', 'RS256', generatePair('rsa', { modulusLength: 1024 }).privateKey, /2048.*1024/],
    ['a key of another kind', 'Ed25519', privateKeys.RS256, /Ed25519.*rsa/],
    ['an algorithm of secrets', 'HS256', privateKeys.RS256, /RS256/],
    ['literal line breaks', 'ES256', pemOf(privateKeys.ES256).replaceAll('\n', '\\n'), /\\n/],
    ['an environment variable that is not set', 'ES256', process.env.NOT_SET as string, /privateKey/],
  ])('are refused with the reason, which names the key pair: %s', (_, alg, privateKey, message) => {
    const pair = { kid: 'a', alg: alg as SignatureAlgorithm, privateKey }
    expect(() => keyPair({ keys: [pair] })).toThrow(message)
    expect(() => keyPair({ keys: [pair] })).toThrow(TypeError)
  })

  it('are refused without showing their text', () => {
    const pem = pemOf(privateKeys.ES256)
    for (const text of [pem.replaceAll('\n', '\\n'), pem.replaceAll('\n', ' '), pem.slice(0, -40), pem.slice(30)]) {
      try {
        keyPair({ keys: [{ kid: 'a', alg: 'ES256', privateKey: text }] })
        expect.unreachable()
      } catch (error) {
        expect(error).toBeInstanceOf(TypeError)
        expect(inspect(error, { depth: 9 })).not.toContain(pem.slice(40, 60))
      }
    }
  })

  it('may sign under either name of Ed25519, and verify tokens signed under the other', async () => {
    const under = (alg: SignatureAlgorithm) =>
      latchkeyOver(keyPair({ keys: [{ kid: 'k1', alg, privateKey: privateKeys.Ed25519 }] }))
    const [old, fresh] = [under('EdDSA'), under('Ed25519')]
    expect(await fresh.verify((await old.issue({ subject: 'alice' })).token)).toMatchObject({ subject: 'alice' })
    expect(await old.verify((await fresh.issue({ subject: 'alice' })).token)).toMatchObject({ subject: 'alice' })
  })

  it('are configured or stored, not both', () => {
    const options = { keys: [{ kid: 'a', alg: 'ES256' as const, privateKey: privateKeys.ES256 }] }
    expect(() => keyPair({ ...options, store: memoryStore(), masterKeys } as StoredKeyPairOptions)).toThrow(TypeError)
  })
})

describe('stored key pairs', () => {
  it('are created once, at first use, by any number of processes', async () => {
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

  it('publish the next key before it signs, and verify the previous one until its last token is accepted no more', async () => {
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
    clock.advance(904_000)
    expect(await kidOf(before.token)).toBe(signedWith)
    clock.advance(355_000)
    expect((await keys.jwks()).keys).toHaveLength(3)
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

  it('are rotated by one of many processes, if the last rotation is long enough ago', async () => {
    const store = memoryStore()
    const clock = createFakeClock(Date.now())
    const sources = Array.from({ length: 4 }, () => keyPair({ store, masterKeys, clock }))
    const rotateAll = (before: number) => Promise.all(sources.map((keys) => keys.rotateIfDue(before)))
    const day = 86_400_000
    expect(await rotateAll(clock.now() - 90 * day)).toEqual([false, false, false, false])
    const next = (await store.readKeyPairs()).find(({ stage }) => stage === 'next')
    for (let round = 0; round < 3; round += 1) {
      clock.advance(90 * day + 1)
      const rotated = await rotateAll(clock.now() - 90 * day)
      expect(rotated.filter((one) => one)).toHaveLength(1)
      expect(await rotateAll(clock.now() - 90 * day)).toEqual([false, false, false, false])
      if (round > 0) continue
      expect((await store.readKeyPairs()).find(({ stage }) => stage === 'current')?.kid).toBe(next?.kid)
    }
  })

  it('are all replaced at once, in every process that receives the change', async () => {
    const { store, one, other } = await twoProcesses()
    await one.keys.rotate()
    const before = (await store.readKeyPairs()).map(({ kid }) => kid)
    const { token } = await one.latchkey.issue({ subject: 'alice' })
    await other.latchkey.verify(token)
    await one.keys.replace()
    other.keys.expire()
    for (const { keys, latchkey } of [one, other]) {
      const published = (await keys.jwks()).keys.map(({ kid }) => kid)
      expect(published).toHaveLength(2)
      expect(published.filter((kid) => before.includes(kid))).toEqual([])
      expect(await outcomeOf(() => latchkey.verify(token))).toBe('kid_unknown')
      const fresh = await latchkey.issue({ subject: 'alice' })
      expect(await other.latchkey.verify(fresh.token)).toMatchObject({ subject: 'alice' })
    }
  })

  it('do not come from a read that began before they expired', async () => {
    const { store, one, other } = await twoProcesses()
    const readKeyPairs = store.readKeyPairs.bind(store)
    let arrive = () => {}
    store.readKeyPairs = async () => {
      const records = await readKeyPairs()
      await new Promise<void>((resolve) => {
        arrive = resolve
      })
      return records
    }
    other.keys.expire()
    const reading = other.keys.jwks()
    await new Promise(setImmediate)
    store.readKeyPairs = readKeyPairs
    await one.keys.replace()
    other.keys.expire()
    arrive()
    const current = (await readKeyPairs()).map(({ kid }) => kid)
    expect((await reading).keys.map(({ kid }) => kid).toSorted()).toEqual(current.toSorted())
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
      const forged = withHeader(token, { alg: 'ES256', typ: 'at+jwt', kid: `forged-${count}` })
      expect(await outcomeOf(() => latchkey.verify(forged))).toBe(count === 0 ? 'kid_unknown' : 'store_unavailable')
    }
    expect(reads).toBe(1)
  })

  it('respond with 503 to a kid before the store was read for it, and with 401 after that', async () => {
    const { clock, one, other } = await twoProcesses()
    await one.keys.rotate()
    await one.keys.rotate()
    const { token } = await one.latchkey.issue({ subject: 'alice' })
    const forged = withHeader(token, { alg: 'ES256', typ: 'at+jwt', kid: 'forged' })
    clock.advance(999)
    for (const unread of [token, forged]) {
      expect(await failureOf(() => other.latchkey.verify(unread))).toMatchObject({
        code: 'store_unavailable',
        headers: { 'Retry-After': '1' },
      })
    }
    clock.advance(1)
    expect(await other.latchkey.verify(token)).toMatchObject({ subject: 'alice' })
    for (let count = 0; count < 3; count += 1) {
      expect(await outcomeOf(() => other.latchkey.verify(forged))).toBe('kid_unknown')
    }
  })

  it('verify until its expiry a token that a process signed with the old key before it received the rotation', async () => {
    const { store, clock, one, other } = await twoProcesses()
    await one.keys.rotate()
    clock.advance(59_000)
    const { token } = await other.latchkey.issue({ subject: 'alice', expiresIn: 900 })
    clock.advance(899_000)
    const third = latchkeyOver(keyPair({ store, masterKeys, clock }), clock)
    expect(await third.verify(token)).toMatchObject({ subject: 'alice' })
  })

  it('sign with the same key in every process once the refresh interval is over', async () => {
    const { clock, one, other } = await twoProcesses()
    const before = await one.kid()
    await one.keys.rotate()
    expect(await one.kid()).not.toBe(before)
    expect(await other.kid()).toBe(before)
    clock.advance(60_000)
    expect(await other.kid()).toBe(await one.kid())
  })

  it('rotate once for each call, also when two processes call at the same time', async () => {
    const { store, one, other } = await twoProcesses()
    await Promise.all([one.keys.rotate(), other.keys.rotate()])
    const stages = (await store.readKeyPairs()).map(({ stage }) => stage)
    expect(stages.sort()).toEqual(['current', 'next', 'previous', 'previous'])
  })

  it('are not restored when a read that began before a rotation ends after it', async () => {
    const { store, clock, one } = await twoProcesses()
    const { readKeyPairs, changeKeyPairs } = bound(store)
    const { token } = await one.latchkey.issue({ subject: 'alice' })
    const forged = withHeader(token, { alg: 'ES256', typ: 'at+jwt', kid: 'made up' })
    const late: Promise<unknown>[] = []
    let letArrive = () => {}
    const arrival = new Promise<void>((resolve) => {
      letArrive = resolve
    })
    store.changeKeyPairs = async (decide) => {
      store.readKeyPairs = async () => {
        const records = await readKeyPairs()
        await arrival
        return records
      }
      clock.advance(1000)
      late.push(outcomeOf(() => one.latchkey.verify(forged)))
      return changeKeyPairs(decide)
    }
    const before = await one.kid()
    await one.keys.rotate()
    letArrive()
    expect(await Promise.all(late)).toEqual(['kid_unknown'])
    expect(await one.kid()).not.toBe(before)
  })

  it('stop verifying when they are deleted from the store, also tokens that were verified before', async () => {
    const { store, clock, one } = await twoProcesses()
    const { token } = await one.latchkey.issue({ subject: 'alice' })
    await one.latchkey.verify(token)
    await store.changeKeyPairs(() => [])
    clock.advance(60_000)
    expect(await outcomeOf(() => one.latchkey.verify(token))).toBe('kid_unknown')
  })

  it('respond with 503 while they cannot be read again, and never accept', async () => {
    const { store, clock, one } = await twoProcesses()
    const { token } = await one.latchkey.issue({ subject: 'alice' })
    await one.latchkey.verify(token)
    store.readKeyPairs = () => Promise.reject(new LatchkeyError('store_unavailable'))
    clock.advance(59_999)
    expect(await one.latchkey.verify(token)).toMatchObject({ subject: 'alice' })
    clock.advance(1)
    expect(await outcomeOf(() => one.latchkey.verify(token))).toBe('store_unavailable')
    expect(await outcomeOf(() => one.keys.jwks())).toBe('store_unavailable')
  })

  it('are not read for a header without kid, and once for a flood of unknown kids while the store is unavailable', async () => {
    const { store, clock, one } = await twoProcesses()
    const { token } = await one.latchkey.issue({ subject: 'alice' })
    let reads = 0
    store.readKeyPairs = () => {
      reads += 1
      return Promise.reject(new LatchkeyError('store_unavailable'))
    }
    clock.advance(59_000)
    for (const header of [{ alg: 'ES256' }, { alg: 'none' }, { alg: 'ES256', kid: 'x', typ: 'JWT' }]) {
      expect(await outcomeOf(() => one.latchkey.verify(withHeader(token, { typ: 'at+jwt', ...header })))).toMatch(
        /kid_unknown|algorithm_refused|type_mismatch/,
      )
    }
    expect(reads).toBe(0)
    for (let count = 0; count < 100; count += 1) {
      const forged = withHeader(token, { alg: 'ES256', typ: 'at+jwt', kid: `forged-${count}` })
      expect(await outcomeOf(() => one.latchkey.verify(forged))).toBe('store_unavailable')
    }
    expect(reads).toBe(1)
  })

  it('are read once for all waiting callers', async () => {
    const { store, clock, one } = await twoProcesses()
    const { readKeyPairs } = bound(store)
    let reads = 0
    store.readKeyPairs = () => {
      reads += 1
      return readKeyPairs()
    }
    clock.advance(60_000)
    await Promise.all(Array.from({ length: 20 }, () => one.latchkey.issue({ subject: 'alice' })))
    expect(reads).toBe(1)
  })

  it('verify synchronously once they are in memory', async () => {
    const { one } = await twoProcesses()
    const issued = one.latchkey.issue({ subject: 'alice' })
    if (issued instanceof Promise) throw new Error('Nothing has to be read.')
    expect(one.latchkey.verify(issued.token)).toMatchObject({ subject: 'alice' })
  })

  it.each(['Ed25519', 'EdDSA', 'ES256', 'ES384', 'ES512', 'RS256', 'PS512'] as const)(
    'can be made for %s',
    async (algorithm) => {
      const keys = keyPair({ store: memoryStore(), masterKeys, algorithm })
      const { token } = await latchkeyOver(keys).issue({ subject: 'alice' })
      const { protectedHeader } = await verifyElsewhere(token, await keys.jwks())
      expect(protectedHeader.alg).toBe(algorithm)
      expect(
        (await keys.jwks()).keys.flatMap((jwk) => Object.keys(jwk)).filter((name) => /^([dpqk]|d[pq]|qi)$/.test(name)),
      ).toEqual([])
    },
  )

  it.each(['HS256', 'none', 'toString'])('cannot be created for %s', (algorithm) => {
    expect(() => keyPair({ store: memoryStore(), masterKeys, algorithm: algorithm as SignatureAlgorithm })).toThrow(
      TypeError,
    )
  })

  it('are generated outside the transaction that stores them', async () => {
    const store = memoryStore()
    const { changeKeyPairs } = bound(store)
    const kids: string[][] = []
    store.changeKeyPairs = (decide) =>
      changeKeyPairs((current) => {
        kids.push(decide(current).map(({ kid }) => kid))
        return decide(current)
      })
    const keys = keyPair({ store, masterKeys })
    await keys.jwks()
    await keys.rotate()
    const stored = (await store.readKeyPairs()).map(({ kid }) => kid)
    expect(kids.at(-1)).toEqual(stored)
  })

  it('are shared by processes over one database, from the first use on', async () => {
    const database = await emptySqlite()
    try {
      const clock = createFakeClock(Date.now())
      const stores = [database.open(), database.open(), database.open()]
      for (const store of stores) await store.migrate()
      const sources = stores.map((store) => keyPair({ store, masterKeys, clock }))
      const [one, other, third] = sources.map((keys) => latchkeyOver(keys, clock))
      if (one === undefined || other === undefined || third === undefined) throw new Error('Three were opened.')
      const tokens = await Promise.all(
        [one, other, third].map(async (at) => (await at.issue({ subject: 'alice' })).token),
      )
      for (const token of tokens) expect(await other.verify(token)).toMatchObject({ subject: 'alice' })
      expect((await sources[0]?.jwks())?.keys).toHaveLength(2)
      await sources[0]?.rotate()
      clock.advance(60_000)
      const { token } = await one.issue({ subject: 'alice' })
      expect(await third.verify(token)).toMatchObject({ subject: 'alice' })
      expect((await sources[2]?.jwks())?.keys).toHaveLength(3)
    } finally {
      await database.remove()
    }
  })

  it('move to a new master key with all other keys', async () => {
    const store = memoryStore()
    const clock = createFakeClock(Date.now())
    const { token } = await latchkeyOver(keyPair({ store, masterKeys, clock }), clock).issue({ subject: 'alice' })
    const newest = Keyring.generate('newest')
    const { keys } = setUp({ store, masterKeys: `${newest},${masterKeys}` })
    await keys.rewrap()
    const moved = keyPair({ store, masterKeys: newest, clock })
    expect(await latchkeyOver(moved, clock).verify(token)).toMatchObject({ subject: 'alice' })
  })

  it('respond with 503 after close', async () => {
    const keys = keyPair({ store: memoryStore(), masterKeys })
    await keys.jwks()
    await keys.close()
    expect(await outcomeOf(() => keys.jwks())).toBe('store_closed')
    expect(await outcomeOf(() => keys.rotate())).toBe('store_closed')
  })
})
