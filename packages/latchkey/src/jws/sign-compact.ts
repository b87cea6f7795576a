import { isLatchkeyError } from '../errors.js'
import type { Algorithm } from './algorithms.js'
import { encodeBase64url } from './base64url.js'
import { parseHeader } from './header.js'
import { type KeyInput, signerOf, usableKey } from './key-input.js'

/** The protected header of a JWS to be signed (RFC 7515 §4.1). Members are written in the order given; undefined ones are left out. */
export interface SignHeader {
  /** The algorithm; the key must fit it. */
  readonly alg: Algorithm
  /** The key ID. */
  readonly kid?: string | undefined
  /** The media type of the whole, as `at+jwt`. */
  readonly typ?: string | undefined
  /** Anything else, except what `verifyCompact` never accepts: crit, b64, jku, jwk, x5u, x5c and zip. */
  readonly [member: string]: unknown
}

/**
 * Signs bytes, or a text's UTF-8, as a compact JWS (RFC 7515 §7.1). `verifyCompact` accepts what this gives.
 * Throws a TypeError for a key that cannot sign with `header.alg`, a header that would be refused, and text that is not well-formed.
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

/** Reads the header back as a verifier would, so that nothing is signed that would be refused. */
function parseOwnHeader(segment: string): { readonly alg: string } {
  try {
    return parseHeader(segment)
  } catch (error) {
    if (!isLatchkeyError(error)) throw error
    throw new TypeError('No verifier would accept this header: see the cause.', { cause: error })
  }
}
