export interface ClaimsInput {
  readonly issuer: string
  readonly audience: string | readonly string[]
  readonly subject: string
  readonly tokenId: string
  readonly sessionId: string | undefined
  readonly issuedAtSec: number
  readonly expiresAtSec: number
  readonly claims: Readonly<Record<string, unknown>> | undefined
}

const ownNames = new Set(['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'sid'])

export function buildClaims(input: ClaimsInput): Record<string, unknown> {
  for (const name in input.claims)
    if (ownNames.has(name)) throw new TypeError(`The claim ${name} is set by the issuer.`)
  return {
    iss: input.issuer,
    sub: input.subject,
    aud: input.audience,
    exp: input.expiresAtSec,
    iat: input.issuedAtSec,
    jti: input.tokenId,
    ...(input.sessionId === undefined ? {} : { sid: input.sessionId }),
    ...input.claims,
  }
}
