import * as crypto from 'node:crypto'
import { hashRaw } from '@node-rs/argon2'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createPasswordHasher } from '../../../src/accounts/password-hasher.js'
import { Peppers } from '../../../src/accounts/peppers.js'

/** The inputs of Argon2id (RFC 9106 §3.1). */
interface Inputs {
  readonly message: Buffer
  readonly salt: Buffer
  readonly memoryKib: number
  readonly passes: number
  readonly lanes: number
  readonly secret?: Buffer
}

/** Resolves to the tag of 32 bytes. */
type Argon2id = (inputs: Inputs) => Promise<Buffer>

/** The declaration of Node 24.7, because the types of Node 20 have none. */
interface OpenSsl {
  readonly argon2Sync?: (
    algorithm: 'argon2id',
    parameters: {
      readonly message: Buffer
      readonly nonce: Buffer
      readonly parallelism: number
      readonly tagLength: number
      readonly memory: number
      readonly passes: number
      readonly secret?: Buffer
      readonly associatedData?: Buffer
    },
  ) => Buffer
}

const { argon2Sync } = crypto as typeof crypto & OpenSsl

const ofThePackage: Argon2id = ({ message, salt, memoryKib, passes, lanes, secret }) =>
  hashRaw(message, {
    salt,
    memoryCost: memoryKib,
    timeCost: passes,
    parallelism: lanes,
    outputLen: 32,
    ...(secret && { secret }),
  })

/** Returns the implementations that this version of Node has: a second one since 24.7. */
function implementations(): readonly (readonly [string, Argon2id])[] {
  const ours = ['@node-rs/argon2', ofThePackage] as const
  if (argon2Sync === undefined) return [ours]
  const ofNode: Argon2id = async ({ message, salt, memoryKib, passes, lanes, secret }) =>
    argon2Sync('argon2id', {
      message,
      nonce: salt,
      memory: memoryKib,
      passes,
      parallelism: lanes,
      tagLength: 32,
      ...(secret && { secret }),
    })
  return [ours, ['node:crypto', ofNode]]
}

const hex = (text: string) => Buffer.from(text, 'hex')

/** The inputs of RFC 9106 §5.3 without the associated data, which password hashes do not use. */
const ofTheRfc: Inputs = {
  message: Buffer.alloc(32, 1),
  salt: Buffer.alloc(16, 2),
  memoryKib: 32,
  passes: 3,
  lanes: 4,
  secret: Buffer.alloc(8, 3),
}

/**
 * Two vectors of the reference implementation. The third is OpenSSL's result for the inputs of the
 * RFC, because `@node-rs/argon2` takes no associated data.
 */
const vectors: readonly (readonly [string, Inputs, Buffer])[] = [
  [
    'of 64 MiB',
    { message: Buffer.from('password'), salt: Buffer.from('somesalt'), memoryKib: 65_536, passes: 2, lanes: 1 },
    hex('09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7'),
  ],
  [
    'with two lanes',
    { message: Buffer.from('password'), salt: Buffer.from('somesalt'), memoryKib: 256, passes: 2, lanes: 2 },
    hex('6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037'),
  ],
  ['with a secret value', ofTheRfc, hex('0034de3c8a75efc1148100eaf5ba9b1ce6d50ba5cdf6ae4018c54a4fc03ac10d')],
]

const phcBase64 = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '')

describe.each(implementations())('Argon2id of %s', (_name, argon2id) => {
  it.each(vectors)('returns the tag of the vector %s', async (_case, inputs, tag) => {
    expect((await argon2id(inputs)).toString('hex')).toBe(tag.toString('hex'))
  })

  it('makes hashes that a login accepts, with and without a pepper', async () => {
    const pepper = Buffer.alloc(32, 7)
    const passwords = await createPasswordHasher({ peppers: Peppers.parse(`p1:${pepper.toString('base64url')}`) })
    const salt = Buffer.alloc(16, 9)
    const inputs = { message: Buffer.from('an old pässword'), salt, memoryKib: 19_456, passes: 2, lanes: 1 }
    const phc = (tag: Buffer) => `$argon2id$v=19$m=19456,t=2,p=1$${phcBase64(salt)}$${phcBase64(tag)}`
    const plain = phc(await argon2id(inputs))
    const peppered = `pepper:p1${phc(await argon2id({ ...inputs, secret: pepper }))}`
    expect(await passwords.compare('an old pässword', plain)).toEqual({ matches: true, rehash: true })
    expect(await passwords.compare('an old pässword', peppered)).toEqual({ matches: true, rehash: false })
    for (const hash of [plain, peppered]) {
      expect(await passwords.compare('another pässword', hash)).toEqual({ matches: false, rehash: false })
    }
  })

  it('returns the same tag as every other implementation, whatever the inputs are', async () => {
    const bytes = (min: number, max: number) =>
      fc.uint8Array({ minLength: min, maxLength: max }).map((array) => Buffer.from(array))
    const inputs = fc.record({
      message: bytes(0, 40),
      salt: bytes(8, 24),
      memoryKib: fc.integer({ min: 32, max: 128 }),
      passes: fc.integer({ min: 1, max: 3 }),
      lanes: fc.integer({ min: 1, max: 4 }),
      secret: bytes(1, 32),
    })
    await fc.assert(
      fc.asyncProperty(inputs, async (input) => {
        expect(await argon2id(input)).toEqual(await ofThePackage(input))
      }),
      { numRuns: 50 },
    )
  })
})

describe.each(argon2Sync === undefined ? [] : [{ argon2Sync }])('Argon2id of node:crypto', ({ argon2Sync }) => {
  it('returns the tag of RFC 9106 §5.3, which has associated data', () => {
    const { message, salt: nonce, memoryKib: memory, passes, lanes: parallelism, secret } = ofTheRfc
    const parameters = { message, nonce, memory, passes, parallelism, tagLength: 32, ...(secret && { secret }) }
    expect(argon2Sync('argon2id', { ...parameters, associatedData: Buffer.alloc(12, 4) })).toEqual(
      hex('0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659'),
    )
  })
})
