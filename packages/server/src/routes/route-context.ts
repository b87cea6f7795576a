import type { FastifyRequest, onRequestHookHandler } from 'fastify'
import { type KeyPairSource, type Latchkey, LatchkeyError } from 'latchkey'
import { authOf } from 'latchkey/fastify'
import type { SqlStore } from 'latchkey/sql'
import type { Accounts } from '../accounts/sign-in.js'
import type { DeviceConfirmation } from '../accounts/device-confirmation.js'
import type { EmailVerification } from '../accounts/email-verification.js'
import type { Profiles } from '../accounts/profiles.js'
import type { Recovery } from '../accounts/recovery.js'
import type { Registration } from '../accounts/registration.js'
import type { AccountProvisioning } from '../admin/account-provisioning.js'
import type { Administration } from '../admin/administration.js'
import type { ActingAdministrator } from '../admin/administrator.js'
import type { ClientAdministration } from '../admin/client-administration.js'
import type { InvitationAdministration } from '../admin/invitation-administration.js'
import type { ResetLinks } from '../admin/reset-links.js'
import type { Rotations } from '../admin/rotations.js'
import type { StatisticsParts } from '../admin/statistics.js'
import type { AuditTrail } from '../audit/audit-trail.js'
import type { Clients } from '../clients/clients.js'
import type { RepeatedExchange } from '../exchange/repeated-exchange.js'
import type { TokenExchange } from '../exchange/token-exchange.js'
import { clientAddress } from '../http/client-address.js'
import { connectionSignal } from '../http/connection-signal.js'
import type { TrustedPages } from '../http/trusted-pages.js'
import type { Introspection } from '../oauth/introspection.js'
import type { TokenRevocation } from '../oauth/token-revocation.js'
import type { Metrics } from '../ops/metrics.js'
import type { Readiness } from '../ops/readiness.js'
import type { Tracing } from '../ops/tracing/tracing.js'
import type { RequestOrigin } from '../request-origin.js'
import type { Acting } from '../sessions/actors.js'
import type { Sessions } from '../sessions/sessions.js'
import { cookiesOf, deviceCookie, type SessionCookies, wantsCookies } from './session-cookies.js'

/** What routes work with. */
export interface RouteContext {
  readonly accounts: Accounts
  readonly audit: AuditTrail
  readonly registration: Registration
  readonly recovery: Recovery
  readonly emails: EmailVerification
  readonly confirmations: DeviceConfirmation
  readonly sessions: Sessions
  readonly profiles: Profiles
  readonly administration: Administration
  readonly invitationAdministration: InvitationAdministration
  readonly provisioning: AccountProvisioning
  readonly resetLinks: ResetLinks
  readonly clients: Clients
  readonly clientAdministration: ClientAdministration
  readonly rotations: Rotations
  readonly statistics: StatisticsParts
  readonly latchkey: Latchkey
  readonly store: SqlStore
  readonly exchange: TokenExchange
  readonly repeatedExchange: RepeatedExchange
  readonly inspection: Introspection
  readonly revocation: TokenRevocation
  readonly issuer: string
  /** What the applications behind know; empty when nobody said. */
  readonly scopes: readonly string[]
  readonly readiness: Readiness
  readonly metrics: Metrics
  readonly tracing: Tracing
  readonly mayReadMetrics: (request: FastifyRequest) => boolean
  /** The key pair that signs for other services. */
  readonly serviceKeys: KeyPairSource
  /** Hands tokens over to browsers. */
  readonly cookies: SessionCookies
  /** Lets a request pass that may be given cookies, or asks for none. */
  readonly mayGetCookies: onRequestHookHandler
  readonly pages: TrustedPages
  /** Lets a request pass whose access token holds, be it an account's or a client's. */
  readonly verified: onRequestHookHandler
  /** Lets a request pass whose access token holds and is an account's, and which no other site has made a browser send. */
  readonly signedIn: onRequestHookHandler[]
  /** The same, for administrators' requests alone. */
  readonly admin: onRequestHookHandler[]
}

const maxUserAgentLength = 255

/** Where the request came from. */
export function originOf(request: FastifyRequest): RequestOrigin {
  const userAgent = request.headers['user-agent']?.slice(0, maxUserAgentLength) ?? null
  return { address: clientAddress(request), userAgent, connection: connectionSignal(request) }
}

/** The device token that came along. */
export function deviceOf(request: FastifyRequest): string | undefined {
  const sent = request.headers['latchkey-device']
  const kept = wantsCookies(request) ? cookiesOf(request, deviceCookie)[0] : undefined
  return typeof sent === 'string' ? sent : kept
}

/** Who acts, once `signedIn` has let the request pass. */
export function actingOf(request: FastifyRequest): Acting {
  const auth = authOf(request)
  if (auth.sessionId === undefined) throw new LatchkeyError('session_ended')
  return { accountId: auth.subject, sessionId: auth.sessionId, keyId: auth.kid }
}

/** Which administrator acts, once `admin` has let the request pass. */
export function administratorOf(request: FastifyRequest): ActingAdministrator {
  return { ...actingOf(request), address: clientAddress(request) }
}
