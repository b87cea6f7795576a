import {
  type Clock,
  createLatchkey,
  keyPair,
  type Latchkey,
  type RotatingKeyPairSource,
  type SessionIds,
  sessionIds as sessionIdsOf,
  systemClock,
  type TenantSecrets,
  tenantSecrets,
} from 'latchkey'
import type { SqlClient, SqlStore } from 'latchkey/sql'
import { Accounts } from './accounts/sign-in.js'
import { readCommonPasswords } from './accounts/common-passwords.js'
import { hostWords } from './accounts/context-words.js'
import { type Correspondence, openCorrespondence } from './mail/open-mail.js'
import { DeviceConfirmation } from './accounts/device-confirmation.js'
import { EmailVerification } from './accounts/email-verification.js'
import { checkPeppers, createPasswordHasher, type PasswordHasher } from './accounts/password-hasher.js'
import { PasswordPolicy } from './accounts/password-policy.js'
import { PasswordQueue, type PasswordQueueOptions } from './accounts/password-queue.js'
import { Peppers } from './accounts/peppers.js'
import { openProfileRule } from './accounts/profile-rule.js'
import { Profiles } from './accounts/profiles.js'
import { Recovery } from './accounts/recovery.js'
import { Registration } from './accounts/registration.js'
import { AccountProvisioning } from './admin/account-provisioning.js'
import { Administration } from './admin/administration.js'
import { ClientAdministration } from './admin/client-administration.js'
import { InvitationAdministration } from './admin/invitation-administration.js'
import { LeakResponse } from './admin/leak-response.js'
import { ResetLinks } from './admin/reset-links.js'
import { Rotations } from './admin/rotations.js'
import { AuditChain } from './audit/audit-chain.js'
import { AuditMac } from './audit/audit-mac.js'
import { AuditTrail } from './audit/audit-trail.js'
import { Clients } from './clients/clients.js'
import type { Configuration } from './config/configuration.js'
import { type OpenDatabase, openDatabase } from './database/open-database.js'
import { outboxKeyring } from './mail/outbox.js'
import { Introspection } from './oauth/introspection.js'
import { TokenRevocation } from './oauth/token-revocation.js'
import type { FreeBytes } from './ops/disk-space.js'
import { Metrics } from './ops/metrics.js'
import { observedCache } from './ops/observed-cache.js'
import { observedLatchkey } from './ops/observed-latchkey.js'
import { observedStore } from './ops/observed-store.js'
import { openTracing } from './ops/tracing/open-tracing.js'
import { tracedLatchkey } from './ops/tracing/traced-latchkey.js'
import type { Tracing } from './ops/tracing/tracing.js'
import { GuessGuard } from './protection/guess-guard.js'
import type { KeyedHash } from './protection/keyed-hash.js'
import { protectionOf, replaceableProtection } from './protection/protection-keys.js'
import { Actors } from './sessions/actors.js'
import { RefreshTokens, replaceableRefreshTokens } from './sessions/refresh-token.js'
import { replaceableSessionIds } from './sessions/replaceable-session-ids.js'
import { Sessions } from './sessions/sessions.js'

/** Parts that tests put in the place of the real ones. */
export interface ServiceParts {
  readonly clock?: Clock
  readonly passwords?: PasswordHasher
  readonly passwordQueue?: PasswordQueueOptions
  /** Milliseconds that the shared rate limits have for an answer; 250 by default. */
  readonly limitsTimeoutMs?: number
  readonly freeBytes?: FreeBytes
  /** Milliseconds between two collections of what metrics show of the database; 15,000 by default. */
  readonly stateIntervalMs?: number
}

/** Everything that works behind the routes and behind the command line. */
export interface Service {
  readonly database: OpenDatabase
  readonly store: SqlStore
  readonly clock: Clock
  readonly keys: TenantSecrets<SqlClient>
  readonly latchkey: Latchkey
  readonly sessionIds: SessionIds
  /** Signs tokens for other services. */
  readonly serviceKeys: RotatingKeyPairSource
  readonly passwords: PasswordQueue
  readonly metrics: Metrics
  readonly tracing: Tracing
  readonly sessions: Sessions
  readonly profiles: Profiles
  readonly accounts: Accounts
  readonly registration: Registration
  readonly recovery: Recovery
  readonly emails: EmailVerification
  readonly confirmations: DeviceConfirmation
  readonly mail: Correspondence
  readonly administration: Administration
  readonly invitationAdministration: InvitationAdministration
  readonly provisioning: AccountProvisioning
  readonly resetLinks: ResetLinks
  /** Programs that act for themselves. */
  readonly clients: Clients
  readonly inspection: Introspection
  readonly revocation: TokenRevocation
  readonly clientAdministration: ClientAdministration
  /** Rotations of everybody. */
  readonly rotations: Rotations
  readonly audit: AuditTrail
  readonly auditChain: AuditChain
  /** Tells of secrets that have leaked. */
  readonly leaks: LeakResponse
  /** What is counted is kept under these. */
  readonly names: Pick<KeyedHash, 'of'>
  readonly guesses: GuessGuard
  close(): Promise<void>
}

/** Opens the database and everything over it; closes it all again if a part of it cannot start. */
export async function openService(configuration: Configuration, parts: ServiceParts = {}): Promise<Service> {
  const database = await openDatabase(configuration.database)
  const { masterKeys } = database
  const metrics = new Metrics()
  const tracing = await openTracing()
  const store = observedStore(database.store, metrics, tracing)
  const { clock = systemClock } = parts
  const peppers = Peppers.parse(configuration.passwordPeppers)
  const cache = await openCache(configuration, metrics, tracing)
  const keys = tenantSecrets({
    store,
    cache,
    masterKeys,
    clock,
    gracePeriod: configuration.gracePeriodSec,
    maxStaleness: configuration.maxStalenessMs,
    // A stolen secret signs no token that lives longer than those of this server.
    maxTokenTtl: configuration.accessTokenTtlSec,
  })
  const serviceKeys = keyPair({ store, masterKeys, algorithm: 'ES256', clock })
  // Another process may have changed them, or the feed cannot say that none has.
  const stopExpiring = keys.watch?.((tenant) => {
    if (tenant === undefined) serviceKeys.expire()
  })
  const close = async () => {
    stopExpiring?.()
    await serviceKeys.close()
    await keys.close()
    await cache?.close()
    await store.close()
  }
  try {
    await checkPeppers(store, peppers)
    await keys.ready()
    const hasher = parts.passwords ?? (await createPasswordHasher({ peppers }))
    const minLength = configuration.passwordMinLength
    const policy = new PasswordPolicy({
      minLength,
      common: readCommonPasswords(),
      context: serviceNames(configuration),
    })
    const ensureKeys = () => keys.ensureKeys()
    // The names of keys are never changed.
    const refreshKey = await keys.storedKey('server:refresh-key', (bytes) => new RefreshTokens(bytes))
    const refreshTokens = replaceableRefreshTokens(refreshKey)
    const { names, devices } = replaceableProtection(await keys.storedKey('server:protection-key', protectionOf))
    const guesses = new GuessGuard({ store, names, devices, ensureKeys, clock })
    const mac = await keys.storedKey('server:audit-key', (bytes) => new AuditMac(bytes))
    const audit = new AuditTrail({ store, mac, ensureKeys, clock })
    const auditChain = new AuditChain({ store, mac, ensureKeys, clock })
    const sessionIds = replaceableSessionIds(await keys.storedKey('server:session-id-key', sessionIdsOf))
    const leaks = new LeakResponse({ store, keys, audit, clock })
    const { issuer, audience, accessTokenTtlSec } = configuration
    const verifier = createLatchkey({
      issuer,
      audience,
      keys,
      clock,
      accessTokenTtl: accessTokenTtlSec,
      verifyTimeout: configuration.verifyTimeoutMs,
      sessionIds,
      onForgery: (forgery) => {
        metrics.forgedTokens.inc()
        leaks.report(forgery)
      },
    })
    const latchkey = tracedLatchkey(observedLatchkey(verifier, metrics), tracing)
    leaks.on('leak', () => metrics.secretLeaks.inc())
    const passwords = new PasswordQueue(hasher, parts.passwordQueue, (use, reason) =>
      metrics.passwordRefusals.inc({ use, reason }),
    )
    const actors = new Actors({ ...configuration, clock })
    const rule = await openProfileRule(configuration.profileSchema)
    const profiles = new Profiles({ store, actors, audit, rule, claims: configuration.profileClaims })
    const sessions = new Sessions({
      ...configuration,
      profiles,
      store,
      keys,
      latchkey,
      refreshTokens,
      sessionIds,
      audit,
      clock,
    })
    const key = await keys.storedKey('server:mail-key', outboxKeyring)
    const { registration, unverifiedSignIn, invitationTtlSec } = configuration
    const writing = { store, key, ensureKeys, names, audit, clock, registration, invitationTtlSec }
    const mail = openCorrespondence(configuration.mail, writing)
    for (const outcome of ['sent', 'delayed', 'failed'] as const) {
      mail.outboxWorker?.on(outcome, () => metrics.mail.inc({ outcome }))
    }
    const { verifyLinkTtlSec, resetLinkTtlSec, linkBase } = configuration.mail
    const people = {
      store,
      keys,
      sessions,
      profiles,
      actors,
      passwords,
      policy,
      guesses,
      audit,
      clock,
      unverifiedSignIn,
      ...mail,
    }
    const confirmations = new DeviceConfirmation({ store, guesses, audit, ...mail })
    const emails = new EmailVerification({ ...people, registration, verifyLinkTtlSec })
    const administration = new Administration(people)
    const invitationAdministration = new InvitationAdministration({ ...people, registration, linkBase })
    const inspection = new Introspection({ issuer, audience, latchkey, sessions })
    const revocation = new TokenRevocation({ store, keys, latchkey, sessions, audit })
    const clients = new Clients({ store, keys, latchkey, audit, clock })
    const clientAdministration = new ClientAdministration({ store, keys, actors, audit, clock })
    const rotations = new Rotations({ store, keys, actors, audit, clock })
    return {
      database,
      store,
      clock,
      keys,
      latchkey,
      sessionIds,
      serviceKeys,
      passwords,
      metrics,
      tracing,
      sessions,
      profiles,
      accounts: new Accounts({ ...people, emails, confirmations }),
      registration: new Registration({ ...people, registration, verifyLinkTtlSec }),
      recovery: new Recovery(people),
      emails,
      confirmations,
      mail,
      administration,
      invitationAdministration,
      provisioning: new AccountProvisioning(people),
      resetLinks: new ResetLinks({ ...people, resetLinkTtlSec, linkBase }),
      clients,
      inspection,
      revocation,
      clientAdministration,
      rotations,
      audit,
      auditChain,
      leaks,
      names,
      guesses,
      close: async () => {
        await rotations.close()
        await leaks.close()
        await mail.outboxWorker?.close()
        await close()
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** What the service is called, as far as its configuration says. */
function serviceNames({ issuer, mail }: Configuration): string[] {
  const hosts = [issuer, mail.linkBase].map((url) => hostWords(new URL(url).hostname))
  return ['latchkey', mail.from.name, ...hosts]
}

/** What the servers share, where there is a Redis. */
async function openCache({ redisUrl }: Configuration, metrics: Metrics, tracing: Tracing) {
  if (redisUrl === undefined) return undefined
  const { redisCache } = await import('latchkey/redis')
  return observedCache(redisCache({ url: redisUrl }), metrics, tracing)
}
