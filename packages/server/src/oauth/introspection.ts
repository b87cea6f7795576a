import type { Auth, Latchkey } from 'latchkey'
import { claimsOfRights } from '../grants.js'
import type { Sessions, UsableSession } from '../sessions/sessions.js'
import { isNotValid } from './is-not-valid.js'

/** What `Introspection` works with. */
export interface IntrospectionOptions {
  readonly issuer: string
  /** The audience that `latchkey` accepts, whatever others a token names beside it. */
  readonly audience: string
  readonly latchkey: Latchkey
  readonly sessions: Sessions
}

/** What may be told of a token that holds, in the words of RFC 7662 §2.2. */
export type TokenDescription = Readonly<Record<string, unknown>>

/** Tells what a token stands for now: access tokens of people and of clients, and refresh tokens, which are not used up by it. */
export class Introspection {
  readonly #options: IntrospectionOptions

  constructor(options: IntrospectionOptions) {
    this.#options = options
  }

  /** `undefined` for whatever does not hold, for whatever reason. Fails with `store_unavailable` when that cannot be found out. */
  async inspect(token: string): Promise<TokenDescription | undefined> {
    const { latchkey, sessions, issuer, audience } = this.#options
    try {
      if (isCompact(token)) return describeAccessToken(await latchkey.verify(token), audience)
      return describeRefreshToken(await sessions.findUsable(token), issuer)
    } catch (error) {
      if (isNotValid(error)) return undefined
      throw error
    }
  }
}

/** An access token is a compact JWS, and a refresh token is not: no hint of a client is needed, and none believed. */
export function isCompact(token: string): boolean {
  return token.includes('.')
}

/** Of the token's own claims those that were checked; what its bearer may do is that of the stored tenant. */
function describeAccessToken(auth: Auth, aud: string): TokenDescription {
  const { iss, sub, exp, iat, jti } = auth.claims
  const session = auth.sessionId === undefined ? {} : { sid: auth.sessionId }
  return { iss, sub, aud, exp, iat, jti, ...session, ...claimsOfRights(auth), token_type: 'Bearer' }
}

function describeRefreshToken({ id, accountId, rotatedAt, endsAt }: UsableSession, issuer: string): TokenDescription {
  return {
    iss: issuer,
    sub: accountId,
    sid: id,
    iat: Math.floor(rotatedAt / 1000),
    exp: Math.floor(endsAt / 1000),
  }
}
