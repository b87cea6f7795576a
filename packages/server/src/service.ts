import { type Clock, systemClock } from 'latchkey'
import { type AccountLinks, openAccountLinks } from './accounts/open-account-links.js'
import { type AccountsDomain, openAccounts } from './accounts/open-accounts.js'
import { openPasswords, type PasswordDomain } from './accounts/open-passwords.js'
import { openProfiles } from './accounts/open-profiles.js'
import type { PasswordHasher } from './accounts/password-hasher.js'
import type { PasswordQueueOptions } from './accounts/password-queue.js'
import type { Profiles } from './accounts/profiles.js'
import { RecentAuthentication } from './accounts/recent-authentication.js'
import { LeakResponse } from './admin/leak-response.js'
import { type AdminDomain, openAdmin } from './admin/open-admin.js'
import { Clients } from './clients/clients.js'
import type { Configuration } from './config/configuration.js'
import { type FactorsDomain, openFactors } from './factors/open-factors.js'
import { AddressScope } from './http/address-scope.js'
import { type MailDomain, openMail } from './mail/open-mail.js'
import type { Messages } from './messages/messages.js'
import { openMessages } from './messages/open-messages.js'
import { type OauthDomain, openOauth } from './oauth/open-oauth.js'
import { type OpenCore, openCore } from './open-core.js'
import type { FreeBytes } from './ops/disk-space.js'
import { Metrics } from './ops/metrics.js'
import { openTracing } from './ops/tracing/open-tracing.js'
import type { Tracing } from './ops/tracing/tracing.js'
import { openProtection, type ProtectionDomain } from './protection/open-protection.js'
import { Actors } from './sessions/actors.js'
import { openSessions } from './sessions/open-sessions.js'
import { openVerifier, type VerifierDomain } from './sessions/open-verifier.js'
import type { Sessions } from './sessions/sessions.js'

/** Parts that tests replace. */
export interface ServiceParts {
  readonly clock?: Clock
  readonly passwords?: PasswordHasher
  readonly passwordQueue?: PasswordQueueOptions
  /** Milliseconds for an answer of the shared rate limits. @defaultValue 250 */
  readonly limitsTimeoutMs?: number
  readonly freeBytes?: FreeBytes
  /** Milliseconds between two events of the live view. @defaultValue 1000 */
  readonly liveIntervalMs?: number
  /**
   * Milliseconds between two collections of the database's state for metrics. @defaultValue 15000
   */
  readonly stateIntervalMs?: number
}

/** All domains, for the routes and the command line. */
export interface Service
  extends OpenCore,
    VerifierDomain,
    ProtectionDomain,
    PasswordDomain,
    Pick<AccountLinks, 'oneTimeTokens' | 'invitations'>,
    FactorsDomain,
    AccountsDomain,
    OauthDomain,
    AdminDomain {
  readonly metrics: Metrics
  readonly tracing: Tracing
  /** The address of the request in progress. */
  readonly addresses: AddressScope
  readonly leaks: LeakResponse
  readonly profiles: Profiles
  readonly recentAuthentication: RecentAuthentication
  readonly sessions: Sessions
  readonly mail: MailDomain
  /** The messages of pages and letters. */
  readonly messages: Messages
  readonly clients: Clients
}

/** Opens the database and all domains; closes everything again if a part cannot start. */
export async function openService(configuration: Configuration, parts: ServiceParts = {}): Promise<Service> {
  const metrics = new Metrics()
  const tracing = await openTracing()
  const core = await openCore(configuration, { clock: parts.clock ?? systemClock, metrics, tracing })
  try {
    return await openDomains(core, configuration, { ...parts, metrics, tracing })
  } catch (error) {
    await core.close()
    throw error
  }
}

async function openDomains(
  core: OpenCore,
  configuration: Configuration,
  { metrics, tracing, ...parts }: ServiceParts & Pick<Service, 'metrics' | 'tracing'>,
): Promise<Service> {
  const messages = await openMessages(configuration)
  const passwords = await openPasswords(core, configuration, {
    onRefusal: (use, reason) => metrics.passwordRefusals.inc({ use, reason }),
    hasher: parts.passwords,
    queue: parts.passwordQueue,
  })
  const protection = await openProtection(core)
  const addresses = new AddressScope()
  const leaks = new LeakResponse(core, addresses)
  const { latchkey, sessionIds } = await openVerifier(core, configuration, (forgery) => {
    metrics.forgedTokens.inc()
    leaks.report(forgery)
  })
  leaks.on('leak', () => metrics.secretLeaks.inc())
  core.sources.add(latchkey)
  const actors = new Actors(core, configuration)
  const profiles = await openProfiles(core, actors, configuration)
  const sessions = await openSessions(core, { latchkey, sessionIds, claims: profiles }, configuration)
  const { draft, ...links } = openAccountLinks(core, protection, configuration)
  const mail = await openMail(core, { names: protection.names, draft, messages }, configuration)
  for (const outcome of ['sent', 'delayed', 'failed'] as const) {
    mail.outboxWorker?.on(outcome, () => metrics.mail.inc({ outcome }))
  }
  const factors = await openFactors(core, configuration)
  const recentAuthentication = new RecentAuthentication(core, configuration)
  const domains = {
    ...passwords,
    ...protection,
    ...links,
    ...factors,
    actors,
    profiles,
    recentAuthentication,
    sessions,
  }
  const admin = openAdmin(core, { ...domains, outbox: mail.outbox, messages, latchkey }, configuration)
  return {
    ...core,
    ...domains,
    ...openAccounts(core, { ...domains, ...mail, messages }, configuration),
    ...openOauth(core, { latchkey, sessions, serviceKeys: core.serviceKeys }, configuration),
    ...admin,
    latchkey,
    sessionIds,
    metrics,
    tracing,
    addresses,
    leaks,
    mail,
    messages,
    clients: new Clients(core, { latchkey }),
    close: async () => {
      await admin.rotations.close()
      await admin.tasks.close()
      await leaks.close()
      await mail.outboxWorker?.close()
      await core.close()
    },
  }
}
