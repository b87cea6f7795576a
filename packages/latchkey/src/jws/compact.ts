import { refusal } from '../errors.js'

/** A compact JWS, split at its dots (RFC 7515 §7.1). No part is decoded or verified. */
export interface CompactParts {
  readonly headerSegment: string
  readonly payloadSegment: string
  readonly signatureSegment: string
  /** `header.payload`, the input of the signature (RFC 7515 §5.1). */
  readonly signingInput: string
}

/**
 * Splits a token into its three parts. Only the payload may be empty.
 *
 * @throws LatchkeyError `token_malformed`
 */
export function splitCompact(token: string): CompactParts {
  const first = token.indexOf('.')
  const second = token.indexOf('.', first + 1)
  const wellFormed = first > 0 && second > 0 && second < token.length - 1 && token.indexOf('.', second + 1) < 0
  if (!wellFormed) throw refusal('token_malformed')
  return {
    headerSegment: token.slice(0, first),
    payloadSegment: token.slice(first + 1, second),
    signatureSegment: token.slice(second + 1),
    signingInput: token.slice(0, second),
  }
}
