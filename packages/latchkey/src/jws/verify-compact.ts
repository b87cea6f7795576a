import { refusal } from '../errors.js'
import { type Algorithm, isAlgorithm } from './algorithms.js'
import { decodeBase64url } from './base64url.js'
import { splitCompact } from './compact.js'
import { parseHeader } from './header.js'
import { type KeyInput, verifierOf } from './key-input.js'
import type { SignatureVerifier } from './signature-key.js'

/** Options of `verifyCompact`. */
export interface VerifyCompactOptions {
  /** The algorithms that may have signed; the token's must be one of them and fit the key (RFC 8725 §3.1). */
  readonly algorithms: readonly Algorithm[]
}

/**
 * Verifies a compact JWS and gives the bytes of its payload. Nothing is checked of what they say. Throws a LatchkeyError, `token_malformed`,
 * `header_refused`, `algorithm_refused` (not in the list, or not for this key) or `signature_invalid`; and a TypeError for a list that is
 * empty or names what is no algorithm, and for a key that none of them can use.
 */
export function verifyCompact(jws: string, key: KeyInput, { algorithms }: VerifyCompactOptions): Buffer {
  if (algorithms.length === 0 || !algorithms.every(isAlgorithm)) {
    throw new TypeError('algorithms names at least one supported algorithm, and nothing else.')
  }
  const { headerSegment, payloadSegment, signatureSegment, signingInput } = splitCompact(jws)
  const { alg } = parseHeader(headerSegment)
  const algorithm = algorithms.find((candidate) => candidate === alg)
  if (algorithm === undefined) throw refusal('algorithm_refused')
  if (!verifierFor(key, algorithm, algorithms).verify(signingInput, signatureSegment))
    throw refusal('signature_invalid')
  const payload = decodeBase64url(payloadSegment)
  if (payload === undefined) throw refusal('token_malformed')
  return payload
}

function verifierFor(key: KeyInput, algorithm: Algorithm, algorithms: readonly Algorithm[]): SignatureVerifier {
  try {
    return verifierOf(key, algorithm)
  } catch (error) {
    // The token chose an algorithm of the list that this key is not for; a key that is for none of them is the caller's mistake.
    if (error instanceof TypeError && algorithms.some((other) => isUsable(key, other)))
      throw refusal('algorithm_refused')
    throw error
  }
}

function isUsable(key: KeyInput, algorithm: Algorithm): boolean {
  try {
    verifierOf(key, algorithm)
    return true
  } catch {
    return false
  }
}
