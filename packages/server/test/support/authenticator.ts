import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import type { NewPasskey, PasskeyAssertion } from '../../src/factors/webauthn.js'
import { type CborValue, encodeCbor } from './cbor.js'

/** The algorithms of passkeys. */
export const algorithms = ['ES256', 'EdDSA', 'RS256'] as const

export type Algorithm = (typeof algorithms)[number]

/** A passkey in an authenticator. */
export interface StoredPasskey {
  readonly id: string
  readonly rpId: string
  readonly userHandle: string
  readonly algorithm: Algorithm
  readonly privateKey: KeyObject
  counter: number
}

/** The parts of the options of `navigator.credentials.create` that the authenticator reads. */
export interface CreationOptions {
  readonly challenge: string
  readonly rp: { readonly id: string }
  readonly user: { readonly id: string }
  readonly excludeCredentials: readonly { readonly id: string }[]
}

/** The parts of the options of `navigator.credentials.get` that the authenticator reads. */
export interface RequestOptions {
  readonly challenge: string
  readonly rpId: string
  readonly allowCredentials: readonly { readonly id: string }[]
}

/** Members of an answer that replace the right ones: those of an attack or of another client. */
export interface Deviations {
  readonly origin?: string
  /** The RP ID whose hash is signed. */
  readonly rpId?: string
  /** The type in the client data. */
  readonly type?: string
  readonly challenge?: string
  readonly clientData?: Readonly<Record<string, unknown>>
  readonly userVerified?: boolean
  readonly userPresent?: boolean
  readonly backedUp?: boolean
  readonly multiDevice?: boolean
  /** The counter that is signed. */
  readonly counter?: number
  readonly userHandle?: string | undefined
  readonly credentialId?: Uint8Array
  /** The COSE_Key in the attested credential data. */
  readonly publicKey?: CborValue
  readonly attestation?: { readonly format: string; readonly statement: CborValue }
  readonly signature?: Uint8Array
}

/** The JSON of a new passkey and of an assertion, as `PublicKeyCredential.toJSON` returns it. */
type Json<T> = T & { readonly type: 'public-key'; readonly clientExtensionResults: object }

interface Traits {
  readonly origin?: string
  readonly algorithm?: Algorithm
  /** Whether passkeys are synchronized (backup eligible) and backed up. */
  readonly synchronized?: boolean
  /** Whether the authenticator counts signatures. */
  readonly counts?: boolean
}

const coseNumbers = { ES256: -7, EdDSA: -8, RS256: -257 } as const

/**
 * An authenticator with the browser around it, in software. It makes keys and signatures as a real
 * one does, and deviates from the rules where a test asks for it.
 */
export class Authenticator {
  readonly passkeys: StoredPasskey[] = []
  readonly #traits: Required<Traits>

  constructor({
    origin = 'http://issuer.test',
    algorithm = 'ES256',
    synchronized = false,
    counts = true,
  }: Traits = {}) {
    this.#traits = { origin, algorithm, synchronized, counts }
  }

  /** Makes a passkey, as `navigator.credentials.create` does. */
  create(options: CreationOptions, deviations: Deviations = {}): Json<NewPasskey> {
    const excluded = options.excludeCredentials.some(({ id }) => this.passkeys.some((passkey) => passkey.id === id))
    if (excluded) throw new Error('The authenticator has a passkey of this account.')
    const { algorithm, counts } = this.#traits
    const { privateKey, publicKey } = newKeys(algorithm)
    const credentialId = deviations.credentialId ?? randomBytes(32)
    const id = Buffer.from(credentialId).toString('base64url')
    const passkey = {
      id,
      rpId: options.rp.id,
      userHandle: options.user.id,
      algorithm,
      privateKey,
      counter: counts ? 1 : 0,
    }
    this.passkeys.push(passkey)
    const length = Buffer.alloc(2)
    length.writeUInt16BE(credentialId.length)
    const key = encodeCbor(deviations.publicKey ?? coseKeyOf(publicKey, algorithm))
    const attested = Buffer.concat([Buffer.alloc(16), length, credentialId, key])
    const { format, statement } = deviations.attestation ?? { format: 'none', statement: new Map() }
    const attestationObject = encodeCbor(
      new Map<string, CborValue>([
        ['fmt', format],
        ['attStmt', statement],
        ['authData', this.#authenticatorData(passkey, deviations, attested)],
      ]),
    )
    return {
      id,
      rawId: id,
      type: 'public-key',
      clientExtensionResults: {},
      response: {
        clientDataJSON: this.#clientData('webauthn.create', options.challenge, deviations).toString('base64url'),
        attestationObject: attestationObject.toString('base64url'),
        transports: ['internal', 'hybrid'],
      },
    }
  }

  /**
   * Signs a challenge with a passkey, as `navigator.credentials.get` does; by default with the
   * newest one.
   */
  get(options: RequestOptions, deviations: Deviations = {}, chosen?: StoredPasskey): Json<PasskeyAssertion> {
    const allowed = options.allowCredentials.map(({ id }) => id)
    const passkey = chosen ?? this.passkeys.findLast(({ id }) => allowed.length === 0 || allowed.includes(id))
    if (passkey === undefined) throw new Error('The authenticator has no passkey for this request.')
    if (this.#traits.counts) passkey.counter += 1
    const data = this.#authenticatorData(passkey, deviations)
    const clientData = this.#clientData('webauthn.get', options.challenge, deviations)
    const signed = Buffer.concat([data, sha256(clientData)])
    const signature = deviations.signature ?? signatureOf(passkey, signed)
    const userHandle = 'userHandle' in deviations ? deviations.userHandle : passkey.userHandle
    return {
      id: passkey.id,
      rawId: passkey.id,
      type: 'public-key',
      clientExtensionResults: {},
      response: {
        clientDataJSON: clientData.toString('base64url'),
        authenticatorData: data.toString('base64url'),
        signature: Buffer.from(signature).toString('base64url'),
        ...(userHandle === undefined ? {} : { userHandle }),
      },
    }
  }

  #clientData(type: string, challenge: string, deviations: Deviations): Buffer {
    const usual = {
      type: deviations.type ?? type,
      challenge: deviations.challenge ?? challenge,
      origin: deviations.origin ?? this.#traits.origin,
      crossOrigin: false,
    }
    return Buffer.from(JSON.stringify({ ...usual, ...deviations.clientData }))
  }

  /** The authenticator data (WebAuthn Level 3 §6.1). */
  #authenticatorData(
    passkey: StoredPasskey,
    { rpId = passkey.rpId, counter = passkey.counter, ...deviations }: Deviations,
    attested?: Buffer,
  ): Buffer {
    const { synchronized } = this.#traits
    const { userPresent = true, userVerified = true, multiDevice = synchronized, backedUp = synchronized } = deviations
    const flags = [userPresent, false, userVerified, multiDevice, backedUp, false, attested !== undefined, false]
    const fixed = Buffer.alloc(5)
    fixed[0] = flags.reduce((sum, isSet, bit) => sum | (isSet ? 1 << bit : 0), 0)
    fixed.writeUInt32BE(counter, 1)
    return Buffer.concat([sha256(Buffer.from(rpId)), fixed, attested ?? Buffer.alloc(0)])
  }
}

/** Returns a COSE_Key (RFC 9052 §7). */
export function coseKeyOf(publicKey: KeyObject, algorithm: Algorithm): ReadonlyMap<number, CborValue> {
  const jwk = publicKey.export({ format: 'jwk' })
  const bytes = (member: 'x' | 'y' | 'n' | 'e') => Buffer.from(jwk[member] ?? '', 'base64url')
  const alg = coseNumbers[algorithm]
  const members: Readonly<Record<Algorithm, readonly (readonly [number, CborValue])[]>> = {
    ES256: [
      [1, 2],
      [3, alg],
      [-1, 1],
      [-2, bytes('x')],
      [-3, bytes('y')],
    ],
    EdDSA: [
      [1, 1],
      [3, alg],
      [-1, 6],
      [-2, bytes('x')],
    ],
    RS256: [
      [1, 3],
      [3, alg],
      [-1, bytes('n')],
      [-2, bytes('e')],
    ],
  }
  return new Map(members[algorithm])
}

function newKeys(algorithm: Algorithm) {
  if (algorithm === 'ES256') return generateKeyPairSync('ec', { namedCurve: 'P-256' })
  if (algorithm === 'EdDSA') return generateKeyPairSync('ed25519')
  return generateKeyPairSync('rsa', { modulusLength: 2048 })
}

function signatureOf({ algorithm, privateKey }: StoredPasskey, signed: Uint8Array): Buffer {
  return sign(algorithm === 'EdDSA' ? null : 'sha256', signed, privateKey)
}

function sha256(data: Uint8Array): Buffer {
  return createHash('sha256').update(data).digest()
}
