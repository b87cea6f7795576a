import { refusal } from '../errors.js'

/** A compact JWS, cut at its dots (RFC 7515 §7.1). Nothing of it is decoded or trusted yet. */
export interface CompactParts {
  readonly headerSegment: string
  readonly payloadSegment: string
  readonly signatureSegment: string
  /** `header.payload`: what the signature is over (RFC 7515 §5.1). */
  readonly signingInput: string
}

/** Cuts a token into its three parts, of which only the payload may be empty. Throws `token_malformed`. */
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
