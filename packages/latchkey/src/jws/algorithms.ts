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

const hmacAlgorithms: readonly string[] = ['HS256', 'HS384', 'HS512'] satisfies HmacAlgorithm[]
const rsaAlgorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] satisfies RsaAlgorithm[]
const signatureAlgorithms = [
  'Ed25519',
  'EdDSA',
  'ES256',
  'ES384',
  'ES512',
  ...rsaAlgorithms,
] satisfies SignatureAlgorithm[]
const algorithms: ReadonlySet<string> = new Set([...hmacAlgorithms, ...signatureAlgorithms])

/** Whether this text names an HMAC algorithm. */
export function isHmacAlgorithm(text: string): text is HmacAlgorithm {
  return hmacAlgorithms.includes(text)
}

/** Whether this text names any algorithm that a key may be pinned to. */
export function isAlgorithm(text: string): text is Algorithm {
  return algorithms.has(text)
}

/** Throws a TypeError that names the option when its value is no RSA algorithm. */
export function checkRsaAlgorithm(option: string, algorithm: RsaAlgorithm): RsaAlgorithm {
  return checkOneOf(option, algorithm, rsaAlgorithms)
}

/** Throws a TypeError that names the option when its value is no digital signature. */
export function checkSignatureAlgorithm(option: string, algorithm: SignatureAlgorithm): SignatureAlgorithm {
  return checkOneOf(option, algorithm, signatureAlgorithms)
}

/** Returns whether two names stand for one algorithm: for a key on Ed25519, `EdDSA` is `Ed25519`. */
export function isSameAlgorithm(one: string, other: string): boolean {
  return one === other || (/^Ed/.test(one) && /^Ed/.test(other))
}

function checkOneOf<T>(option: string, value: T, allowed: readonly T[]): T {
  if (allowed.includes(value)) return value
  throw new TypeError(`${option} is one of ${allowed.join(', ')}.`)
}
