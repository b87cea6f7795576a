import { refusal } from '../errors.js'
import { type Algorithm, isAlgorithm } from './algorithms.js'
import { decodeBase64url } from './base64url.js'
import { splitCompact } from './compact.js'
import { parseHeader } from './header.js'
import { type KeyInput, usableKey, verifierOf } from './key-input.js'

/** What a verifier expects of a JWS. */
export interface VerifyCompactOptions {
  /** The algorithms that are accepted (RFC 8725 §3.1): at least one, and at least one that the key fits. */
  readonly algorithms: readonly Algorithm[]
}

/**
 * The payload of a compact JWS whose signature holds (RFC 7515 §5.2). Nothing is said about what the payload claims.
 *
 * Refuses a token with `token_malformed`, `header_refused`, `algorithm_refused` (an algorithm that is not in `algorithms`, or not one of this key)
 * or `signature_invalid`. Throws a TypeError for a key that cannot verify with any of `algorithms`, whatever the token says.
 */
export function verifyCompact(jws: string, key: KeyInput, { algorithms }: VerifyCompactOptions): Buffer {
  if (!Array.isArray(algorithms) || algorithms.length === 0 || !algorithms.every(isAlgorithm)) {
    throw new TypeError('algorithms names one algorithm or more.')
  }
  const usable = usableKey(key, 'verify')
  const accepted = usable.algorithms.filter((algorithm) => algorithms.includes(algorithm))
  if (accepted.length === 0) throw new TypeError('This key fits none of the algorithms.')
  if (typeof jws !== 'string') throw refusal('token_malformed')
  const { headerSegment, payloadSegment, signatureSegment, signingInput } = splitCompact(jws)
  const { alg } = parseHeader(headerSegment)
  const algorithm = accepted.find((one) => one === alg)
  if (algorithm === undefined) throw refusal('algorithm_refused')
  if (!verifierOf(algorithm, usable.key).verify(signingInput, signatureSegment)) throw refusal('signature_invalid')
  const payload = decodeBase64url(payloadSegment)
  if (payload === undefined) throw refusal('token_malformed')
  return payload
}
