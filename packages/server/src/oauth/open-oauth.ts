import type { Auth, KeySource, Latchkey } from 'latchkey'
import type { Configuration } from '../config/configuration.js'
import type { Core } from '../core.js'
import { AudienceUses } from '../exchange/audience-uses.js'
import { RepeatedExchange } from '../exchange/repeated-exchange.js'
import { TokenExchange } from '../exchange/token-exchange.js'
import type { Sessions } from '../sessions/sessions.js'
import { Introspection } from './introspection.js'
import { TokenRevocation } from './token-revocation.js'

/** The objects of the OAuth endpoints. */
export interface OauthDomain {
  readonly inspection: Introspection
  readonly revocation: TokenRevocation
  readonly exchange: TokenExchange
  readonly repeatedExchange: RepeatedExchange
}

/** The parts of other domains that the OAuth endpoints use. */
export interface OauthDependencies {
  readonly latchkey: Latchkey
  readonly sessions: Sessions
  /** The key pair that signs tokens for other services. */
  readonly serviceKeys: KeySource
}

/** Creates introspection (RFC 7662), revocation (RFC 7009) and token exchange (RFC 8693). */
export function openOauth(core: Core, dependencies: OauthDependencies, configuration: Configuration): OauthDomain {
  const { sessions } = dependencies
  const parts = { uses: new AudienceUses(core), hasImpersonator: (auth: Auth) => sessions.hasImpersonator(auth) }
  const exchange = new TokenExchange(core, { ...dependencies, ...parts }, configuration)
  return {
    inspection: new Introspection(dependencies, configuration),
    revocation: new TokenRevocation(core, dependencies),
    exchange,
    repeatedExchange: new RepeatedExchange(exchange, core.clock),
  }
}
