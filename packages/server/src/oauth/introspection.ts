import type { Auth, Latchkey } from 'latchkey'
import { claimOfImpersonator, claimsOfAuthentication, impersonatorOf } from '../authentication-claims.js'
import type { Configuration } from '../config/configuration.js'
import { claimsOfRights } from '../grants.js'
import type { Sessions, UsableSession } from '../sessions/sessions.js'
import { isNotValid } from './is-not-valid.js'

/** The parts of other domains that introspection uses. */
interface Dependencies {
  readonly latchkey: Latchkey
  readonly sessions: Sessions
}

/** The members of RFC 7662 §2.2 that describe a valid token. */
export type TokenDescription = Readonly<Record<string, unknown>>

/**
 * Introspects access tokens of accounts and clients, and refresh tokens, which it does not use up.
 */
export class Introspection {
  readonly #dependencies: Dependencies
  readonly #settings: Pick<Configuration, 'issuer' | 'audience'>

  constructor(dependencies: Dependencies, settings: Pick<Configuration, 'issuer' | 'audience'>) {
    this.#dependencies = dependencies
    this.#settings = settings
  }

  /**
   * Returns the description of a valid token, and `undefined` for any other. Throws
   * `store_unavailable`.
   */
  async inspect(token: string): Promise<TokenDescription | undefined> {
    const { latchkey, sessions } = this.#dependencies
    const { issuer, audience } = this.#settings
    try {
      if (isCompact(token)) {
        const auth = await latchkey.verify(token)
        // A token with a claim `act` that its session does not have was forged.
        if (!(await sessions.hasImpersonator(auth))) return undefined
        return describeAccessToken(auth, audience)
      }
      return describeRefreshToken(await sessions.findUsable(token), issuer)
    } catch (error) {
      if (isNotValid(error)) return undefined
      throw error
    }
  }
}

/**
 * Returns whether a token is a compact JWS and therefore an access token, so that `token_type_hint`
 * is not needed.
 */
export function isCompact(token: string): boolean {
  return token.includes('.')
}

/** Returns the verified claims of the token, with the rights that are stored with its tenant. */
function describeAccessToken(auth: Auth, aud: string): TokenDescription {
  const { iss, sub, exp, iat, jti } = auth.claims
  const session = auth.sessionId === undefined ? {} : { sid: auth.sessionId }
  const authentication = claimsOfAuthentication(auth)
  const actor = claimOfImpersonator(impersonatorOf(auth))
  const members = { ...session, ...authentication, ...actor, ...claimsOfRights(auth) }
  return { iss, sub, aud, exp, iat, jti, ...members, token_type: 'Bearer' }
}

function describeRefreshToken(
  { id, accountId, impersonatedBy, rotatedAt, endsAt }: UsableSession,
  issuer: string,
): TokenDescription {
  return {
    iss: issuer,
    sub: accountId,
    sid: id,
    iat: Math.floor(rotatedAt / 1000),
    exp: Math.floor(endsAt / 1000),
    ...claimOfImpersonator(impersonatedBy),
  }
}
