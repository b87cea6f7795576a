import type { TokenCarrier } from './take-token.js'

/**
 * Returns the carrier of a request with tokens that arrived elsewhere, as `Bearer` credentials. A
 * token beside an `Authorization` header is then a second one, which is refused.
 *
 * @param tokens An empty one stands for a credential that cannot be parsed, which is refused.
 */
export function withCredentials(carrier: TokenCarrier, tokens: readonly string[]): TokenCarrier {
  if (tokens.length === 0) return carrier
  const credentials = tokens.map((token) => `Bearer ${token}`)
  const { authorization } = carrier
  return {
    ...carrier,
    authorization: [...(authorization === undefined ? [] : [authorization]), ...credentials].join(', '),
  }
}

/**
 * Returns the token that a client sent as a member of a message. An empty one counts as absent, and
 * a value that is no text as a credential that cannot be parsed.
 */
export function credentialsIn(member: unknown): readonly string[] {
  if (member === undefined || member === null || member === '') return []
  return [typeof member === 'string' ? member : '']
}
