import type { KeyPairSource } from 'latchkey'
import type { AuditTrail } from '../../audit/audit-trail.js'
import type { Clients } from '../../clients/clients.js'
import type { RepeatedExchange } from '../../exchange/repeated-exchange.js'
import type { TokenExchange } from '../../exchange/token-exchange.js'
import type { App } from '../../http/app.js'
import type { TrustedPages } from '../../http/trusted-pages.js'
import type { Introspection } from '../../oauth/introspection.js'
import type { TokenRevocation } from '../../oauth/token-revocation.js'
import type { Guards } from '../guards/guards.js'
import { addForwardAuth } from './forward-auth.js'
import { addIntrospectToken } from './introspect-token.js'
import { addIssueToken } from './issue-token.js'
import { addJwks } from './jwks.js'
import { addMetadata } from './metadata.js'
import { addRevokeToken } from './revoke-token.js'
import type { SignInRedirect } from './sign-in-redirect.js'

export interface OauthDependencies {
  readonly issuer: string
  /** The scopes that the metadata lists; empty when none are configured. */
  readonly scopes: readonly string[]
  readonly clients: Clients
  readonly exchange: TokenExchange
  readonly repeatedExchange: RepeatedExchange
  readonly inspection: Introspection
  readonly revocation: TokenRevocation
  /** The key pair that signs tokens for other services. */
  readonly serviceKeys: KeyPairSource
  readonly audit: AuditTrail
  readonly pages: TrustedPages
  readonly guards: Guards
  /** `undefined`: the server has no sign-in page. */
  readonly signIn: SignInRedirect | undefined
}

/** The routes for other services: OAuth endpoints, public keys and forward-auth. */
export async function oauthRoutes(app: App, dependencies: OauthDependencies): Promise<void> {
  const { issuer, scopes, clients, exchange, repeatedExchange } = dependencies
  const { inspection, revocation, serviceKeys, audit, pages, guards, signIn } = dependencies
  addJwks(app, serviceKeys)
  addIssueToken(app, clients, exchange)
  addIntrospectToken(app, { audit, clients, inspection })
  addRevokeToken(app, clients, revocation)
  addMetadata(app, issuer, scopes)
  addForwardAuth(app, { guards, pages, repeatedExchange, signIn })
}
