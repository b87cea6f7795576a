/** HMAC with SHA-2 (RFC 7518 §3.2). */
export type HmacAlgorithm = 'HS256' | 'HS384' | 'HS512'

/** Digital signatures: RFC 7518 §3.3 to §3.5 and RFC 8037 §3.1 with Ed25519. */
export type SignatureAlgorithm =
  | 'EdDSA'
  | 'ES256'
  | 'ES384'
  | 'ES512'
  | 'RS256'
  | 'RS384'
  | 'RS512'
  | 'PS256'
  | 'PS384'
  | 'PS512'

/** Every algorithm that a key may be pinned to. `none` is not one. */
export type Algorithm = HmacAlgorithm | SignatureAlgorithm

const hmacAlgorithms: ReadonlySet<string> = new Set<HmacAlgorithm>(['HS256', 'HS384', 'HS512'])
const signatureAlgorithms: ReadonlySet<string> = new Set<SignatureAlgorithm>([
  'EdDSA',
  'ES256',
  'ES384',
  'ES512',
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
])

/** Whether this text names an HMAC algorithm. */
export function isHmacAlgorithm(text: string): text is HmacAlgorithm {
  return hmacAlgorithms.has(text)
}

/** Whether this text names any algorithm that a key may be pinned to. */
export function isAlgorithm(text: string): text is Algorithm {
  return isHmacAlgorithm(text) || signatureAlgorithms.has(text)
}
