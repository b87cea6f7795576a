/** HMAC with SHA-2 (RFC 7518 §3.2). */
export type HmacAlgorithm = 'HS256' | 'HS384' | 'HS512'

/** RSASSA-PKCS1-v1_5 and RSASSA-PSS (RFC 7518 §3.3 and §3.5). */
export type RsaAlgorithm = 'RS256' | 'RS384' | 'RS512' | 'PS256' | 'PS384' | 'PS512'

/**
 * Digital signatures (RFC 7518 §3.3 to §3.5). Ed25519 has two names: that of RFC 9864 §2.2, and
 * `EdDSA` (RFC 8037 §3.1), which RFC 9864 deprecates.
 */
export type SignatureAlgorithm = 'Ed25519' | 'EdDSA' | 'ES256' | 'ES384' | 'ES512' | RsaAlgorithm

/** The algorithms that a key can be pinned to. `none` is not among them. */
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

/** Returns whether the text names an HMAC algorithm. */
export function isHmacAlgorithm(text: string): text is HmacAlgorithm {
  return hmacAlgorithms.includes(text)
}

/** Returns whether the text names an algorithm that a key can be pinned to. */
export function isAlgorithm(text: string): text is Algorithm {
  return algorithms.has(text)
}

/** Throws a `TypeError` that names the option if its value is not an RSA algorithm. */
export function checkRsaAlgorithm(option: string, algorithm: RsaAlgorithm): RsaAlgorithm {
  return checkOneOf(option, algorithm, rsaAlgorithms)
}

/** Throws a `TypeError` that names the option if its value is not a signature algorithm. */
export function checkSignatureAlgorithm(option: string, algorithm: SignatureAlgorithm): SignatureAlgorithm {
  return checkOneOf(option, algorithm, signatureAlgorithms)
}

/** Returns whether two names mean the same algorithm: `EdDSA` and `Ed25519` do. */
export function isSameAlgorithm(one: string, other: string): boolean {
  return one === other || (/^Ed/.test(one) && /^Ed/.test(other))
}

function checkOneOf<T>(option: string, value: T, allowed: readonly T[]): T {
  if (allowed.includes(value)) return value
  throw new TypeError(`${option} is one of ${allowed.join(', ')}.`)
}
