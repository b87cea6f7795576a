import { refusal } from '../errors.js'
import { type Algorithm, isAlgorithm } from './algorithms.js'
import { decodeBase64url } from './base64url.js'
import { splitCompact } from './compact.js'
import { parseHeader } from './header.js'
import { type KeyInput, usableKey, verifierOf } from './key-input.js'

/** Options of `verifyCompact`. */
export interface VerifyCompactOptions {
  /** The accepted algorithms (RFC 8725 §3.1). The key must fit at least one of them. */
  readonly algorithms: readonly Algorithm[]
}

/**
 * Verifies the signature of a compact JWS (RFC 7515 §5.2). It does not check the payload.
 *
 * @returns The payload.
 * @throws LatchkeyError `token_malformed`, `header_refused`, `signature_invalid`, or
 * `algorithm_refused` if the algorithm is not in `algorithms` or does not fit the key
 * @throws TypeError if the key fits none of `algorithms`
 * @example
 * ```ts
 * import { randomBytes } from 'node:crypto'
 * import { signCompact, verifyCompact } from 'latchkey/jws'
 *
 * const key = randomBytes(32)
 * verifyCompact(signCompact('hello', key, { alg: 'HS256' }), key, { algorithms: ['HS256'] })
 * ```
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
