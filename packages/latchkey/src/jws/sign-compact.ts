import { isLatchkeyError } from '../errors.js'
import type { Algorithm } from './algorithms.js'
import { encodeBase64url } from './base64url.js'
import { parseHeader } from './header.js'
import { type KeyInput, signerOf, usableKey } from './key-input.js'

/**
 * The protected header of a JWS to be signed (RFC 7515 §4.1). Members are written in the given
 * order; members with the value `undefined` are left out.
 */
export interface SignHeader {
  /** The algorithm. The key must fit it. */
  readonly alg: Algorithm
  /** The key ID. */
  readonly kid?: string | undefined
  /** The media type of the JWS, such as `at+jwt`. */
  readonly typ?: string | undefined
  /**
   * Any other parameter except crit, b64, jku, jwk, x5u, x5c and zip, which `verifyCompact`
   * refuses.
   */
  readonly [member: string]: unknown
}

/**
 * Signs bytes, or the UTF-8 of a text, as a compact JWS (RFC 7515 §7.1).
 *
 * @returns The JWS. `verifyCompact` accepts it.
 * @throws TypeError if the key cannot sign with `header.alg`, if `verifyCompact` would refuse the
 * header, or if the text has a lone surrogate
 * @example
 * ```ts
 * import { randomBytes } from 'node:crypto'
 * import { signCompact, verifyCompact } from 'latchkey/jws'
 *
 * const key = randomBytes(32)
 * const jws = signCompact('hello', key, { alg: 'HS256' })
 * verifyCompact(jws, key, { algorithms: ['HS256'] }).toString() // 'hello'
 * ```
 */
export function signCompact(payload: Uint8Array | string, key: KeyInput, header: SignHeader): string {
  const headerSegment = encodeBase64url(JSON.stringify(header))
  const { alg } = parseOwnHeader(headerSegment)
  const usable = usableKey(key, 'sign')
  const algorithm = usable.algorithms.find((one) => one === alg)
  if (algorithm === undefined) throw new TypeError(`This key is not one for ${alg}.`)
  if (typeof payload === 'string' && !payload.isWellFormed()) throw new TypeError('The payload has a lone surrogate.')
  const signingInput = `${headerSegment}.${encodeBase64url(payload)}`
  return `${signingInput}.${signerOf(algorithm, usable.key).sign(signingInput)}`
}

/** Parses the header as a verifier does, so that a header that would be refused is not signed. */
function parseOwnHeader(segment: string): { readonly alg: string } {
  try {
    return parseHeader(segment)
  } catch (error) {
    if (!isLatchkeyError(error)) throw error
    throw new TypeError('No verifier would accept this header: see the cause.', { cause: error })
  }
}
