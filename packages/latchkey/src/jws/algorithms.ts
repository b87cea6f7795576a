/** HMAC with SHA-2 (RFC 7518 §3.2). */
export type HmacAlgorithm = 'HS256' | 'HS384' | 'HS512'

/** RSASSA-PKCS1-v1_5 and RSASSA-PSS (RFC 7518 §3.3 and §3.5). */
export type RsaAlgorithm = 'RS256' | 'RS384' | 'RS512' | 'PS256' | 'PS384' | 'PS512'

/**
 * Digital signatures: RFC 7518 §3.3 to §3.5, and Ed25519 by both of its names: that of RFC 9864 §2.2, and
 * `EdDSA` (RFC 8037 §3.1), which RFC 9864 deprecates.
 */
export type SignatureAlgorithm = 'Ed25519' | 'EdDSA' | 'ES256' | 'ES384' | 'ES512' | RsaAlgorithm

/** Every algorithm that a key may be pinned to. `none` is not one. */
export type Algorithm = HmacAlgorithm | SignatureAlgorithm

const hmacAlgorithms: ReadonlySet<string> = new Set<HmacAlgorithm>(['HS256', 'HS384', 'HS512'])
const rsaAlgorithms: ReadonlySet<string> = new Set<RsaAlgorithm>(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'])
const signatureAlgorithms: ReadonlySet<string> = new Set<string>([
  'Ed25519',
  'EdDSA',
  'ES256',
  'ES384',
  'ES512',
  ...rsaAlgorithms,
])

/** Whether this text names an HMAC algorithm. */
export function isHmacAlgorithm(text: string): text is HmacAlgorithm {
  return hmacAlgorithms.has(text)
}

/** Returns whether this text names an RSA algorithm. */
export function isRsaAlgorithm(text: string): text is RsaAlgorithm {
  return rsaAlgorithms.has(text)
}

/** Returns the algorithm. Throws a TypeError that names the option when it is no digital signature. */
export function checkSignatureAlgorithm(option: string, algorithm: SignatureAlgorithm): SignatureAlgorithm {
  if (signatureAlgorithms.has(algorithm)) return algorithm
  throw new TypeError(`${option} is one of ${[...signatureAlgorithms].join(', ')}.`)
}

/** Returns whether two names stand for one algorithm: for a key on Ed25519, `EdDSA` is `Ed25519`. */
export function isSameAlgorithm(one: string, other: string): boolean {
  return one === other || (isEd25519(one) && isEd25519(other))
}

/** Whether this text names any algorithm that a key may be pinned to. */
export function isAlgorithm(text: string): text is Algorithm {
  return isHmacAlgorithm(text) || signatureAlgorithms.has(text)
}

function isEd25519(algorithm: string): boolean {
  return algorithm === 'Ed25519' || algorithm === 'EdDSA'
}
