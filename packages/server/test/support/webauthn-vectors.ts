import { createECDH, createHash, createPrivateKey, createPublicKey, hkdfSync, type KeyObject, sign } from 'node:crypto'
import type { Expected, NewPasskey, PasskeyAssertion } from '../../src/factors/webauthn.js'
import { type Algorithm, coseKeyOf } from './authenticator.js'
import { type CborValue, encodeCbor } from './cbor.js'

/**
 * One of the test vectors of WebAuthn Level 3 §16: a registration, and an assertion of the same
 * passkey. The registration has no attestation statement, also where that of the specification has.
 */
export interface Vector {
  readonly passkey: NewPasskey
  readonly registration: Pick<Expected, 'challenge'>
  readonly assertion: PasskeyAssertion & Pick<Expected, 'challenge'>
  /** The flags of the authenticator data. */
  readonly flags: { readonly registration: number; readonly assertion: number }
}

interface Recipe {
  /** The name by which the random values are derived. */
  readonly info: string
  readonly algorithm: Algorithm
  readonly credentialIdBytes?: number
  /** Members of the client data that follow the origin. */
  readonly frame?: Readonly<Record<string, unknown>>
  /** Whether random values for an attestation certificate are derived. */
  readonly isAttested?: boolean
  /**
   * The published signature in hexadecimal digits. ECDSA needs it, because Node.js chooses another
   * nonce for each signature.
   */
  readonly signature: string
}

const origin = 'https://example.org'
const rpIdHash = createHash('sha256').update('example.org').digest()

/** The relying party of all vectors. */
export const relyingParty = { rpId: 'example.org', origins: [origin] } as const

/**
 * Makes a vector by the rules of the specification: every random value is derived by HKDF-SHA-256
 * (RFC 5869) from the same key material, with the count of the value as salt.
 */
export function vectorOf(recipe: Recipe): Vector {
  const { info, algorithm, credentialIdBytes = 32, isAttested = false } = recipe
  let count = 0
  const next = (length: number): Buffer => {
    const salt = Buffer.from([count])
    count += 1
    return Buffer.from(hkdfSync('sha256', 'WebAuthn test vectors', salt, info, length))
  }
  const clientData = (type: string, challenge: Buffer): Buffer => {
    const isExtended = ((next(1)[0] ?? 0) & 1) === 1
    const extraData = `clientDataJSON may be extended with additional fields in the future, such as this: `
    const extra = isExtended ? { extraData: `${extraData}${next(16).toString('base64url')}` } : {}
    const frame = recipe.frame ?? { crossOrigin: false }
    return Buffer.from(JSON.stringify({ type, challenge: challenge.toString('base64url'), origin, ...frame, ...extra }))
  }

  const challenge = next(32)
  const keys = keysOf(algorithm, next)
  const created = clientData('webauthn.create', challenge)
  const aaguid = next(16)
  const credentialId = next(credentialIdBytes)
  const uvBeBs = (next(1)[0] ?? 0) & 0x1c
  const backup = uvBeBs & 0x08
  const registered = 0x41 | (backup === 0 ? uvBeBs & 0x04 : uvBeBs)
  const length = Buffer.alloc(2)
  length.writeUInt16BE(credentialIdBytes)
  const attested = Buffer.concat([aaguid, length, credentialId, encodeCbor(keys.coseKey)])
  if (isAttested) {
    next(32)
    next(16)
  }

  const asked = next(32)
  const collected = clientData('webauthn.get', asked)
  const uvBs = (next(1)[0] ?? 0) & 0x14
  const asserted = 0x01 | backup | (backup === 0 ? uvBs & 0x04 : uvBs)
  const authenticatorData = authenticatorDataOf(asserted)
  const signed = Buffer.concat([authenticatorData, createHash('sha256').update(collected).digest()])
  const id = credentialId.toString('base64url')
  return {
    flags: { registration: registered, assertion: asserted },
    registration: { challenge: challenge.toString('base64url') },
    passkey: {
      id,
      rawId: id,
      response: {
        clientDataJSON: created.toString('base64url'),
        attestationObject: encodeCbor(
          new Map<string, CborValue>([
            ['fmt', 'none'],
            ['attStmt', new Map()],
            ['authData', authenticatorDataOf(registered, attested)],
          ]),
        ).toString('base64url'),
      },
    },
    assertion: {
      challenge: asked.toString('base64url'),
      id,
      rawId: id,
      response: {
        clientDataJSON: collected.toString('base64url'),
        authenticatorData: authenticatorData.toString('base64url'),
        signature: (keys.sign?.(signed) ?? Buffer.from(recipe.signature, 'hex')).toString('base64url'),
      },
    },
  }
}

function authenticatorDataOf(flags: number, attested = Buffer.alloc(0)): Buffer {
  return Buffer.concat([rpIdHash, Buffer.from([flags, 0, 0, 0, 0]), attested])
}

interface Keys {
  readonly coseKey: ReadonlyMap<number, CborValue>
  /** Absent where signatures differ each time. */
  readonly sign?: (data: Uint8Array) => Buffer
}

function keysOf(algorithm: Algorithm, next: (length: number) => Buffer): Keys {
  if (algorithm === 'ES256') {
    const ecdh = createECDH('prime256v1')
    ecdh.setPrivateKey(next(32))
    const point = ecdh.getPublicKey()
    const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((part) => part.toString('base64url'))
    const jwk = { kty: 'EC', crv: 'P-256', x: x ?? '', y: y ?? '' }
    return { coseKey: coseKeyOf(createPublicKey({ key: jwk, format: 'jwk' }), algorithm) }
  }
  const privateKey = algorithm === 'EdDSA' ? ed25519Key(next(32)) : rsaKey()
  const digest = algorithm === 'EdDSA' ? null : 'sha256'
  const coseKey = coseKeyOf(createPublicKey(privateKey), algorithm)
  return { coseKey, sign: (data) => sign(digest, data, privateKey) }
}

function ed25519Key(seed: Buffer): KeyObject {
  // The head of PKCS #8 for a key of 32 bytes (RFC 8410 §7).
  const head = Buffer.from('302e020100300506032b657004220420', 'hex')
  return createPrivateKey({ key: Buffer.concat([head, seed]), format: 'der', type: 'pkcs8' })
}

/** The RSA key of the specification. Its primes are 2^1279 - 1 and 2^2203 - 1. */
function rsaKey(): KeyObject {
  const [p, q, e] = [2n ** 1279n - 1n, 2n ** 2203n - 1n, 65_537n]
  const d = inverse(e, (p - 1n) * (q - 1n))
  const members = { n: p * q, e, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi: inverse(q, p) }
  const texts = Object.entries(members).map(([name, value]) => [name, base64urlOf(value)])
  return createPrivateKey({ key: { kty: 'RSA', ...Object.fromEntries(texts) }, format: 'jwk' })
}

function base64urlOf(value: bigint): string {
  const hex = value.toString(16)
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex').toString('base64url')
}

/** Returns the inverse of `value` modulo `modulus`, by the extended Euclidean algorithm. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [a, b, x, y] = [value % modulus, modulus, 1n, 0n]
  while (a > 1n) {
    const quotient = a / b
    const remainder = a % b
    a = b
    b = remainder
    const swapped = x - quotient * y
    x = y
    y = swapped
  }
  return ((x % modulus) + modulus) % modulus
}
