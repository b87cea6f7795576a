import swagger from '@fastify/swagger'
import type { FastifyRequest } from 'fastify'
import { requireAuth } from 'latchkey/fastify'
import { fillSearchTexts } from './accounts/search-text.js'
import { fillGrants } from './admin/fill-grants.js'
import { type Configuration, localUrl } from './config/configuration.js'
import { encryptionWarning } from './database/master-keys/encryption-limit.js'
import { RepeatedExchange } from './exchange/repeated-exchange.js'
import { TokenExchange } from './exchange/token-exchange.js'
import { allowOrigins } from './http/allow-origins.js'
import type { App } from './http/app.js'
import { clientAddress } from './http/client-address.js'
import { createApp } from './http/create-app.js'
import { Drain } from './http/drain.js'
import { ForwardingWatch } from './http/forwarding-watch.js'
import { TrustedPages } from './http/trusted-pages.js'
import { networkMatcher } from './ip-address.js'
import { type FreeBytes, freeBytes, watchDisk } from './ops/disk-space.js'
import { type Chore, startHousekeeping } from './ops/jobs.js'
import { loggerOptions } from './ops/logger-options.js'
import type { Metrics } from './ops/metrics.js'
import { metricsAccess } from './ops/metrics-access.js'
import { Readiness } from './ops/readiness.js'
import { RequestLog } from './ops/request-log.js'
import { observeRequests } from './ops/request-metrics.js'
import { observeRuntime } from './ops/runtime-metrics.js'
import { StateCollector } from './ops/state-collector.js'
import { observeState } from './ops/state-metrics.js'
import { logTraces } from './ops/tracing/log-traces.js'
import { Problem } from './problem.js'
import { limitRequests } from './protection/limit-requests.js'
import { openRateLimits } from './protection/open-rate-limits.js'
import { guardChanges, guardSignIn } from './routes/cookie-guards.js'
import { guardAgain } from './routes/guard-again.js'
import { addRoutes } from './routes/index.js'
import { openapiOptions } from './routes/openapi-options.js'
import { requireAccount } from './routes/require-account.js'
import { requireAdmin } from './routes/require-admin.js'
import { accessCookie, SessionCookies } from './routes/session-cookies.js'
import { openService, type Service, type ServiceParts } from './service.js'
import { StartupFailure } from './startup-failure.js'

/** The auth API. */
export interface Server {
  readonly service: Service
  /** The HTTP side, for `inject` and for plugins of an operator's own. */
  readonly app: App
  /** Starts listening; gives the URL. Fails with `port_in_use`, `address_unusable`. */
  listen(): Promise<string>
  /** Is not ready any more; after the stop delay accepts nothing, answers what is under way, then closes feed and database. Calling twice is harmless. */
  close(): Promise<void>
}

const choresIntervalMs = 600_000

/** How long requests under way may take once no more are taken. */
const drainPatienceMs = 8000

/** Entries of the audit log stand outside its chain for at most about so long. */
const sealingIntervalMs = 1000

/** A letter waits for at most about so long before it is on its way. */
const mailIntervalMs = 1000

/** What is wanted of a rotation takes hold within about so long, in whichever server carries it out. */
const rotationIntervalMs = 500

/** What metrics show of the database is about so old at most. */
const collectionIntervalMs = 15_000

/** Puts the whole server together and opens its database; it listens when it is told to. */
export async function createServer(configuration: Configuration, parts: ServiceParts = {}): Promise<Server> {
  const service = await openService(configuration, parts)
  const isTrustedProxy = networkMatcher(configuration.trustedProxies)
  const app = createApp({
    logger: loggerOptions(configuration.logLevel),
    logController: new RequestLog(configuration.requestLogShare),
    isTrustedProxy,
    keepAliveMs: configuration.keepAliveSec * 1000,
    hsts: configuration.issuer.startsWith('https:') ? configuration.hsts : undefined,
    onRefusal: (error, request) => noteOrigin(service, error, request),
  })
  const drain = new Drain(app, { delayMs: configuration.stopDelaySec * 1000, patienceMs: drainPatienceMs })
  // Hooks of this kind run last first: the database goes after everything that may still want it.
  app.addHook('onClose', () => service.close())
  try {
    const { tooLarge } = await fillGrants(service)
    if (tooLarge > 0)
      app.log.warn({ tooLarge }, 'Roles and scope of some accounts or clients are more than 1 KiB: they have none.')
    const forwarding = new ForwardingWatch(app, isTrustedProxy)
    const { limitsTimeoutMs, stateIntervalMs, freeBytes: free = freeBytes } = parts
    await furnish(app, configuration, service, { forwarding, drain, limitsTimeoutMs, stateIntervalMs, free })
  } catch (error) {
    await app.close()
    throw error
  }
  return {
    service,
    app,
    listen: () => listen(app, configuration),
    close: () => drain.run(),
  }
}

interface Furnishings {
  readonly forwarding: ForwardingWatch
  readonly drain: Drain
  readonly limitsTimeoutMs: number | undefined
  readonly free: FreeBytes
  readonly stateIntervalMs: number | undefined
}

async function furnish(
  app: App,
  configuration: Configuration,
  service: Service,
  { forwarding, drain, limitsTimeoutMs, stateIntervalMs, free }: Furnishings,
): Promise<void> {
  const { store, clock, keys, latchkey, serviceKeys, names, metrics } = service
  const { issuer, corsOrigins, serviceAudiences, maxStalenessMs } = configuration
  const limits = await openRateLimits(configuration, {
    store,
    names,
    clock,
    log: app.log,
    timeoutMs: limitsTimeoutMs,
  })
  app.addHook('onClose', () => limits.close())
  service.tracing.traceRequests(app)
  logTraces(app, service.tracing)
  observeRequests(app, metrics)
  // Before the limits: a page must be able to read that it is to wait.
  await allowOrigins(app, corsOrigins)
  observeState(metrics, {
    keys,
    latchkey,
    store,
    clock,
    collector: collectState(app, service, stateIntervalMs),
    limitsDegraded: () => limits.degraded,
    passwordsWaiting: () => service.passwords.waiting,
  })
  const stopObserving = observeRuntime(metrics)
  app.addHook('onClose', async () => stopObserving())
  limitRequests(app, limits)
  const undeclared = proxiesUndeclared(configuration)
  if (undeclared) app.log.warn('LATCHKEY_ISSUER is https, so a proxy stands in front, but TRUSTED_PROXIES names none.')
  const { database } = configuration
  const isDiskFull = database.kind === 'embedded' && watchDisk(database.folder, free, app.log)
  const warnings = async () => [
    ...(undeclared ? (['proxies_undeclared'] as const) : []),
    ...(forwarding.seen ? (['forwarding_untrusted'] as const) : []),
    ...(limits.degraded ? (['limits_in_memory'] as const) : []),
    ...(isDiskFull && (await isDiskFull()) ? (['disk_full'] as const) : []),
  ]
  await app.register(swagger, openapiOptions(issuer))
  const pages = new TrustedPages([new URL(issuer).origin, ...corsOrigins])
  const verified = requireAuth(latchkey, { cookie: accessCookie })
  const guarded = [verified, guardChanges(pages)]
  const signedIn = [...guarded, requireAccount]
  const admin = [...guarded, requireAdmin(service.administration, service.audit)]
  guardAgain(app, [...signedIn, ...admin])
  const exchange = new TokenExchange({
    issuer,
    audiences: serviceAudiences,
    keys: serviceKeys,
    latchkey,
    audit: service.audit,
    clock,
  })
  addRoutes(app, {
    ...service,
    statistics: service,
    issuer,
    scopes: configuration.scopes,
    exchange,
    repeatedExchange: new RepeatedExchange(exchange, clock),
    readiness: new Readiness({ store, keys, maxStalenessMs, warnings, stopping: () => drain.begun }),
    mayReadMetrics: metricsAccess({ token: configuration.metricsToken, issuer }),
    cookies: new SessionCookies(issuer),
    mayGetCookies: guardSignIn(pages),
    pages,
    verified,
    signedIn,
    admin,
  })
  const stopHousekeeping = startHousekeeping(
    counted(metrics, [
      { name: 'prune secrets', run: () => keys.prune() },
      { name: 'prune sessions', run: () => service.sessions.prune() },
      { name: 'prune rate limits', run: () => limits.prune() },
      { name: 'prune guesses', run: () => service.guesses.prune() },
      { name: 'prune one-time tokens', run: () => service.mail.tokens.prune() },
      { name: 'prune invitations', run: () => service.mail.invitations.prune() },
      { name: 'prune mail counts', run: () => service.mail.quota.prune() },
      { name: 'fill search texts', run: () => fillSearchTexts(store) },
    ]),
    choresIntervalMs,
    app.log,
  )
  app.addHook('onClose', async () => stopHousekeeping())
  fillSearch(app, service)
  keepAudit(app, configuration, service)
  tellLeaks(app, service)
  carryMail(app, service)
  attendRotations(app, service)
  keepKeys(app, configuration, service)
  await app.ready()
}

/** Without waiting for it: after an upgrade with many accounts it takes minutes. */
function fillSearch(app: App, { store }: Service): void {
  fillSearchTexts(store).catch((error: unknown) =>
    app.log.warn(
      { err: error },
      'Some accounts are not found by all spellings of their names yet; that is made up for.',
    ),
  )
}

/** Collects what metrics show of the database, at once and then in intervals, so that no scrape has to. */
function collectState(app: App, service: Service, intervalMs = collectionIntervalMs): StateCollector {
  const collector = new StateCollector(service)
  const collect = { name: 'collect the state for metrics', run: () => collector.collect() }
  const stop = startHousekeeping(counted(service.metrics, [collect]), intervalMs, app.log, { atOnce: true })
  app.addHook('onClose', async () => stop())
  return collector
}

/** Does this server's part in the rotation of everybody. */
function attendRotations(app: App, { rotations, metrics }: Service): void {
  const attend = { name: 'rotate everybody', run: () => rotations.tick() }
  const stop = startHousekeeping(counted(metrics, [attend]), rotationIntervalMs, app.log)
  app.addHook('onClose', async () => stop())
}

/** Rotates the key for other services when its time has come, in one of the servers, and warns before a master key has encrypted too much. */
function keepKeys(
  app: App,
  { serviceKeyRotationSec }: Configuration,
  { keys, serviceKeys, clock, metrics }: Service,
): void {
  const rotate = {
    name: 'rotate the service key',
    run: async () => {
      const hasRotated = await serviceKeys.rotateIfDue(clock.now() - serviceKeyRotationSec * 1000)
      if (hasRotated) app.log.info('The key that signs tokens for other services was rotated.')
    },
  }
  const watch = {
    name: 'watch the use of master keys',
    run: async () => {
      for (const [masterKey, encryptions] of await keys.encryptions()) {
        if (encryptions < encryptionWarning) continue
        app.log.warn({ masterKey, encryptions }, 'This master key has encrypted much: change it by the runbook.')
      }
    },
  }
  const stop = startHousekeeping(counted(metrics, [rotate, watch]), choresIntervalMs, app.log)
  app.addHook('onClose', async () => stop())
}

/** A forged token is refused where it is shown, also by a route that answers with an error of its own. */
function noteOrigin({ leaks }: Service, error: unknown, request: FastifyRequest): void {
  leaks.noteOrigin(error instanceof Problem ? (error.cause ?? error) : error, clientAddress(request))
}

/** Tells the operator of secrets that have leaked. */
function tellLeaks(app: App, { leaks }: Service): void {
  leaks.on('leak', (leak) => {
    app.log.error(
      leak,
      'A secret has leaked: somebody else signed with it. The sessions and tokens of its account have ended.',
    )
  })
  leaks.on('failure', (error) =>
    app.log.error({ err: error }, 'A leaked secret could not be ended; it is tried again.'),
  )
}

/** The same chores, whose failures are counted. */
function counted({ choreFailures }: Metrics, chores: readonly Chore[]): Chore[] {
  return chores.map(({ name, run }) => ({
    name,
    run: () =>
      run().catch((error: unknown) => {
        choreFailures.inc({ chore: name })
        throw error
      }),
  }))
}

/** Sends what lies in the outbox, and tells the operator how that goes: never what a letter says, or to whom. */
function carryMail(app: App, { mail: { outboxWorker }, metrics }: Service): void {
  if (outboxWorker === undefined) {
    app.log.warn('Nothing can be mailed: LATCHKEY_SMTP_URL is not set.')
    return
  }
  outboxWorker.on('sent', (letter) => {
    if (letter.file === undefined) app.log.info(letter, 'A letter was sent.')
    else app.log.warn(letter, 'A letter was written into a file instead of being sent: LATCHKEY_SMTP_URL is not set.')
  })
  outboxWorker.on('delayed', (letter) => app.log.warn(letter, 'A letter could not be sent; it is tried again.'))
  outboxWorker.on('failed', (letter) => app.log.error(letter, 'A letter was given up.'))
  const deliver = { name: 'deliver mail', run: () => outboxWorker.deliver() }
  const stopDelivering = startHousekeeping(counted(metrics, [deliver]), mailIntervalMs, app.log)
  app.addHook('onClose', async () => stopDelivering())
}

/** Links what comes into the audit log, also what came last, and lets go of what is old. */
function keepAudit(app: App, { auditRetentionSec }: Configuration, service: Service): void {
  const { audit, auditChain, clock, metrics } = service
  const count = { name: 'write counted audit entries', run: () => audit.flush() }
  const seal = { name: 'seal the audit log', run: () => auditChain.seal() }
  const prune = { name: 'prune the audit log', run: () => auditChain.prune(clock.now() - auditRetentionSec * 1000) }
  const stopSealing = startHousekeeping(counted(metrics, [count, seal]), sealingIntervalMs, app.log)
  const stopPruning = startHousekeeping(counted(metrics, [prune]), choresIntervalMs, app.log)
  app.addHook('onClose', async () => {
    stopSealing()
    stopPruning()
    await audit.flush('all').catch((error: unknown) => app.log.warn({ err: error }, 'Counted audit entries are lost.'))
    await auditChain
      .seal()
      .catch((error: unknown) => app.log.warn({ err: error }, 'The next start seals the audit log.'))
  })
}

/** This server speaks no TLS itself. */
function proxiesUndeclared({ issuer, trustedProxies }: Configuration): boolean {
  return issuer.startsWith('https:') && trustedProxies.length === 0
}

async function listen(app: App, { host, port }: Configuration): Promise<string> {
  try {
    await app.listen({ host, port })
  } catch (error) {
    throw listenFailure(error, host, port)
  }
  const address = app.server.address()
  return localUrl(host, typeof address === 'object' && address !== null ? address.port : port)
}

function listenFailure(error: unknown, host: string, port: number): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'EADDRINUSE') {
    const hint = `Stop it, or choose another port, such as PORT=${port < 65_535 ? port + 1 : 3000}.`
    return new StartupFailure('port_in_use', `Another process listens on port ${port} of ${host} already.`, hint)
  }
  if (typeof code !== 'string' || !/^E(ACCES|ADDRNOTAVAIL|NOTFOUND|AI_AGAIN|INVAL)$/.test(code)) return error
  const hint = 'Set HOST to an address of this machine, and PORT to one that this user may listen on.'
  return new StartupFailure('address_unusable', `Cannot listen on port ${port} of ${host} (${code}).`, hint)
}
