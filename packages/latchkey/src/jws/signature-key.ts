import { constants, KeyObject, type SigningOptions, sign, verify } from 'node:crypto'
import { checkSignatureAlgorithm, type SignatureAlgorithm } from './algorithms.js'
import { decodeBase64url } from './base64url.js'

/** A private key pinned to one algorithm. */
export interface Signer {
  /**
   * Returns the signature of an ASCII text in base64url. Throws a `TypeError` for any other text.
   */
  sign(signingInput: string): string
}

/** A public key pinned to one algorithm. */
export interface SignatureVerifier {
  /** Returns whether the base64url text is the key's signature of the ASCII text. Never throws. */
  verify(signingInput: string, signature: string): boolean
}

/** The requirements of an algorithm on its key, and Node's options for it. */
interface Scheme {
  /** Node's `asymmetricKeyType`. */
  readonly keyType: 'ed25519' | 'ec' | 'rsa'
  readonly hash: 'sha256' | 'sha384' | 'sha512' | null
  /** The curve of an EC key, by its OpenSSL name. */
  readonly curve?: string
  /** The length of a signature in bytes. For RSA it is that of the modulus. */
  readonly signatureBytes?: number
  readonly options: SigningOptions
}

/** The minimum of RFC 7518 §3.3 and §3.5. */
const minModulusBits = 2048
const ieee = { dsaEncoding: 'ieee-p1363' } as const
const pkcs1 = { padding: constants.RSA_PKCS1_PADDING }
const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }

const ed25519 = { keyType: 'ed25519', hash: null, signatureBytes: 64, options: {} } as const

const schemes: Readonly<Record<SignatureAlgorithm, Scheme>> = {
  Ed25519: ed25519,
  EdDSA: ed25519,
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

/**
 * Pins a private key to an algorithm.
 *
 * @throws TypeError if the key is not private or does not fit. Ed25519 and EdDSA take an Ed25519
 * key, ES* a key on the algorithm's curve, RS* and PS* an RSA modulus of at least 2048 bits (RFC
 * 7518 §3.3 to §3.5, RFC 8037 §3.1).
 */
export function createSigner(algorithm: SignatureAlgorithm, privateKey: KeyObject): Signer {
  const { hash, options } = checkedScheme(algorithm, privateKey, 'private')
  const key = { ...options, key: privateKey }
  return {
    sign(signingInput) {
      const input = asciiBytes(signingInput)
      if (input === undefined) throw new TypeError('A JWS signing input is ASCII text (RFC 7515 §5.1).')
      return sign(hash, input, key).toString('base64url')
    },
  }
}

/**
 * Pins a public key to an algorithm. The verifier refuses non-canonical base64url and signatures of
 * the wrong length: OpenSSL accepts an RSA-PSS signature without its leading zero, which
 * RFC 8017 §8.1.2 refuses.
 *
 * @throws TypeError if the key is not public or does not fit, by the rules of `createSigner`
 */
export function createVerifier(algorithm: SignatureAlgorithm, publicKey: KeyObject): SignatureVerifier {
  const { hash, options, signatureBytes = modulusBytes(publicKey) } = checkedScheme(algorithm, publicKey, 'public')
  const key = { ...options, key: publicKey }
  return {
    verify(signingInput, signature) {
      const input = asciiBytes(signingInput)
      const bytes = decodeBase64url(signature)
      if (input === undefined || bytes?.length !== signatureBytes) return false
      return verify(hash, input, key, bytes)
    },
  }
}

/**
 * Returns every signature algorithm that a private or public key fits by type, curve and size. The
 * list is empty for a secret and for a key that is too short.
 */
export function signatureAlgorithmsOf(key: KeyObject): readonly SignatureAlgorithm[] {
  return (Object.keys(schemes) as SignatureAlgorithm[]).filter((algorithm) => isFit(key, schemes[algorithm]))
}

function checkedScheme(algorithm: SignatureAlgorithm, key: KeyObject, type: 'private' | 'public'): Scheme {
  const scheme = schemes[checkSignatureAlgorithm('alg', algorithm)]
  if (!(key instanceof KeyObject) || key.type !== type) throw new TypeError(`${algorithm} takes a ${type} key here.`)
  checkFit(algorithm, key)
  return scheme
}

/** Throws a `TypeError` that names the requirement if the private or public key does not fit. */
export function checkFit(algorithm: SignatureAlgorithm, key: KeyObject): void {
  const scheme = schemes[algorithm]
  if (isFit(key, scheme)) return
  throw new TypeError(`${algorithm} takes ${requirement(scheme)}; this is ${kindOf(key)}.`)
}

function isFit({ asymmetricKeyType, asymmetricKeyDetails = {} }: KeyObject, { keyType, curve }: Scheme): boolean {
  if (asymmetricKeyType !== keyType) return false
  if (keyType === 'rsa') return (asymmetricKeyDetails.modulusLength ?? 0) >= minModulusBits
  return asymmetricKeyDetails.namedCurve === curve
}

function requirement({ keyType, curve }: Scheme): string {
  if (keyType === 'rsa') return `an RSA key of at least ${minModulusBits} bits`
  return keyType === 'ec' ? `an EC key on the curve ${curve}` : 'an Ed25519 key'
}

function kindOf({ asymmetricKeyType, asymmetricKeyDetails: { modulusLength, namedCurve } = {} }: KeyObject): string {
  return [asymmetricKeyType, modulusLength, namedCurve].filter((part) => part !== undefined).join(' ')
}

function modulusBytes({ asymmetricKeyDetails }: KeyObject): number {
  return Math.ceil((asymmetricKeyDetails?.modulusLength ?? 0) / 8)
}

/** Returns the bytes of an ASCII text, or `undefined` for any other text. */
function asciiBytes(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'utf8')
  return bytes.length === text.length ? bytes : undefined
}
