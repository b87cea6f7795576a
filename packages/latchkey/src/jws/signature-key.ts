import { constants, type KeyObject, type SignKeyObjectInput, sign, verify } from 'node:crypto'
import type { SignatureAlgorithm } from './algorithms.js'
import { decodeBase64url } from './base64url.js'

/** A private key pinned to one algorithm. */
export interface Signer {
  /** The signature of an ASCII text, in base64url. */
  sign(signingInput: string): string
}

/** A public key pinned to one algorithm. */
export interface SignatureVerifier {
  /** Whether this base64url text is a signature of the ASCII text. Never throws. */
  verify(signingInput: string, signature: string): boolean
}

/** What a key must be for an algorithm, and how Node is told to use it. */
interface Scheme {
  /** `asymmetricKeyType` of Node. */
  readonly keyType: 'ec' | 'ed25519' | 'rsa'
  readonly hash: 'sha256' | 'sha384' | 'sha512' | null
  /** The curve of an EC key, by its OpenSSL name. */
  readonly curve?: string
  /** Bytes of every signature, where that is fixed. */
  readonly signatureBytes?: number
  readonly options: Omit<SignKeyObjectInput, 'key'>
}

const minModulusBits = 2048
const ieee = { dsaEncoding: 'ieee-p1363' } as const
const pkcs1 = { padding: constants.RSA_PKCS1_PADDING }
const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }

const schemes: Readonly<Record<SignatureAlgorithm, Scheme>> = {
  EdDSA: { keyType: 'ed25519', hash: null, signatureBytes: 64, options: {} },
  ES256: { keyType: 'ec', hash: 'sha256', curve: 'prime256v1', signatureBytes: 64, options: ieee },
  ES384: { keyType: 'ec', hash: 'sha384', curve: 'secp384r1', signatureBytes: 96, options: ieee },
  ES512: { keyType: 'ec', hash: 'sha512', curve: 'secp521r1', signatureBytes: 132, options: ieee },
  RS256: { keyType: 'rsa', hash: 'sha256', options: pkcs1 },
  RS384: { keyType: 'rsa', hash: 'sha384', options: pkcs1 },
  RS512: { keyType: 'rsa', hash: 'sha512', options: pkcs1 },
  PS256: { keyType: 'rsa', hash: 'sha256', options: pss },
  PS384: { keyType: 'rsa', hash: 'sha384', options: pss },
  PS512: { keyType: 'rsa', hash: 'sha512', options: pss },
}

/** Pins a private key to an algorithm. Throws a TypeError when it is no private key for it (RFC 7518 §3.3 to §3.5, RFC 8037 §3.1). */
export function createSigner(algorithm: SignatureAlgorithm, privateKey: KeyObject): Signer {
  if (privateKey.type !== 'private') throw new TypeError('Signing takes a private key.')
  const { hash, options } = checkedScheme(algorithm, privateKey)
  const input = { ...options, key: privateKey }
  return { sign: (signingInput) => sign(hash, Buffer.from(signingInput, 'ascii'), input).toString('base64url') }
}

/** Pins a public key to an algorithm. Throws a TypeError when it is no public key for it. */
export function createVerifier(algorithm: SignatureAlgorithm, publicKey: KeyObject): SignatureVerifier {
  if (publicKey.type !== 'public') throw new TypeError('Verifying takes a public key.')
  const { hash, options, signatureBytes } = checkedScheme(algorithm, publicKey)
  const input = { ...options, key: publicKey }
  return {
    verify(signingInput, signature) {
      const bytes = decodeBase64url(signature)
      if (bytes === undefined || (signatureBytes !== undefined && bytes.length !== signatureBytes)) return false
      return verify(hash, Buffer.from(signingInput, 'utf8'), input, bytes)
    },
  }
}

/** The algorithm that an elliptic key can only be meant for; `undefined` for an RSA key, which has six. */
export function impliedAlgorithm(key: KeyObject): SignatureAlgorithm | undefined {
  for (const [algorithm, { keyType, curve }] of Object.entries(schemes)) {
    if (keyType === 'rsa' || keyType !== key.asymmetricKeyType) continue
    if (curve === key.asymmetricKeyDetails?.namedCurve) return algorithm as SignatureAlgorithm
  }
  return undefined
}

function checkedScheme(algorithm: SignatureAlgorithm, key: KeyObject): Scheme {
  const scheme = schemes[algorithm]
  const { namedCurve, modulusLength = 0 } = key.asymmetricKeyDetails ?? {}
  const fits =
    key.asymmetricKeyType === scheme.keyType &&
    (scheme.curve === undefined || namedCurve === scheme.curve) &&
    (scheme.keyType !== 'rsa' || modulusLength >= minModulusBits)
  if (!fits) throw new TypeError(`This key cannot be used with ${algorithm}: ${requirement(scheme)}.`)
  return scheme
}

function requirement({ keyType, curve }: Scheme): string {
  if (keyType === 'rsa') return `it takes an RSA key of at least ${minModulusBits} bits`
  return keyType === 'ec' ? `it takes an EC key on the curve ${curve}` : 'it takes an Ed25519 key'
}
