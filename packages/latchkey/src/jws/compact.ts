import { refusal } from '../errors.js'

export interface CompactParts {
  readonly headerSegment: string
  readonly payloadSegment: string
  readonly signatureSegment: string
  readonly signingInput: string
}

export function splitCompact(token: string): CompactParts {
  const first = token.indexOf('.')
  const second = token.indexOf('.', first + 1)
  if (first <= 0 || second < 0 || second === token.length - 1 || token.includes('.', second + 1)) {
    throw refusal('token_malformed')
  }
  return {
    headerSegment: token.slice(0, first),
    payloadSegment: token.slice(first + 1, second),
    signatureSegment: token.slice(second + 1),
    signingInput: token.slice(0, second),
  }
}
