import swagger from '@fastify/swagger'
import { fillGrants } from './admin/fill-grants.js'
import { LiveView } from './admin/live-view.js'
import { logLeaks } from './admin/log-leaks.js'
import { ServerHealth } from './admin/server-health.js'
import { type Configuration, localUrl } from './config/configuration.js'
import { defaultTheme } from './config/theme.js'
import { consoleRoutes } from './console/console-routes.js'
import { allowOrigins } from './http/allow-origins.js'
import type { App } from './http/app.js'
import { createApp } from './http/create-app.js'
import { Drain } from './http/drain.js'
import { listen } from './http/listen.js'
import { TrustedPages } from './http/trusted-pages.js'
import { networkMatcher } from './ip-address.js'
import { scheduleAuditJobs } from './ops/audit-jobs.js'
import { scheduleJobs } from './ops/jobs.js'
import { scheduleKeyJobs } from './ops/key-jobs.js'
import { loggerOptions } from './ops/logger-options.js'
import { scheduleMailJobs } from './ops/mail-jobs.js'
import { metricsAccess } from './ops/metrics-access.js'
import { observeServer } from './ops/observe-server.js'
import { openProcessReports } from './ops/open-process-reports.js'
import { openReadiness } from './ops/open-readiness.js'
import type { Readiness } from './ops/readiness.js'
import { RequestLog } from './ops/request-log.js'
import { observeRequests } from './ops/request-metrics.js'
import { logTraces } from './ops/tracing/log-traces.js'
import { scheduleUpkeepJobs } from './ops/upkeep-jobs.js'
import { watchSettingFiles } from './ops/watch-setting-files.js'
import type { Frame } from './pages/layout.js'
import { readAssets } from './pages/page-assets.js'
import { pageRoutes } from './pages/page-routes.js'
import { Pages } from './pages/pages.js'
import { problemPages } from './pages/problem-page.js'
import { limitRequests } from './protection/limit-requests.js'
import { openRateLimits } from './protection/open-rate-limits.js'
import { adminRoutes } from './routes/admin/admin-routes.js'
import { clientRoutes } from './routes/clients/client-routes.js'
import { factorRoutes } from './routes/factors/factor-routes.js'
import { createGuards } from './routes/guards/guards.js'
import { requireAccount } from './routes/guards/require-account.js'
import { mailRoutes } from './routes/mail/mail-routes.js'
import { meRoutes } from './routes/me/me-routes.js'
import { oauthRoutes } from './routes/oauth/oauth-routes.js'
import { SignInRedirect } from './routes/oauth/sign-in-redirect.js'
import { openapiOptions } from './routes/openapi-options.js'
import { opsRoutes } from './routes/ops/ops-routes.js'
import { passkeyRoutes } from './routes/passkeys/passkey-routes.js'
import { sharedSchemas } from './routes/schemas.js'
import { SessionCookies } from './routes/session-cookies.js'
import { signInRoutes } from './routes/sign-in/sign-in-routes.js'
import { openService, type Service, type ServiceParts } from './service.js'

/** The auth server. */
export interface Server {
  readonly service: Service
  /** The Fastify app, for `inject` and for plugins of an operator. */
  readonly app: App
  /**
   * Starts listening.
   *
   * @returns the URL of the server
   * @throws StartupFailure `port_in_use`, `address_unusable`
   */
  listen(): Promise<string>
  /**
   * Reports that it is not ready, accepts no more connections after the stop delay, completes the
   * requests in progress, and closes the feed and the database. It is idempotent.
   */
  close(): Promise<void>
}

/** Time limit of the requests in progress when the server stops. */
const drainTimeoutMs = 8000

/** Upper bound of the time until the server that runs a rotation applies its desired state. */
const rotationIntervalMs = 500

/** Upper bound of the time between the end of the delay of a reset and the removal of factors. */
const factorResetIntervalMs = 60_000

/**
 * Upper bound of the time between the end of an administrator's right and the end of the sessions
 * of other accounts in which the administrator acts.
 */
const impersonationIntervalMs = 2000

/** Assembles the server and opens its database. It listens when `listen` is called. */
export async function createServer(configuration: Configuration, parts: ServiceParts = {}): Promise<Server> {
  const frame = frameOf(configuration)
  const service = await openService(configuration, parts)
  const pages = frame && new Pages(service.messages, frame, configuration)
  const isTrustedProxy = networkMatcher(configuration.trustedProxies)
  const app = createApp({
    logger: loggerOptions(configuration.logLevel),
    logController: new RequestLog(configuration.requestLogShare),
    isTrustedProxy,
    keepAliveMs: configuration.keepAliveSec * 1000,
    hsts: configuration.issuer.startsWith('https:') ? configuration.hsts : undefined,
    answerBrowser: pages && problemPages(pages),
  })
  service.addresses.cover(app)
  const drain = new Drain(app, { delayMs: configuration.stopDelaySec * 1000, timeoutMs: drainTimeoutMs })
  // These hooks run in reverse order: the database closes after everything that uses it.
  app.addHook('onClose', () => service.close())
  try {
    const { tooLarge } = await fillGrants(service)
    if (tooLarge > 0)
      app.log.warn(
        { tooLarge },
        'Some accounts or clients have no rights, because their roles and scope exceed 1 KiB: shorten them.',
      )
    const { limitsTimeoutMs: timeoutMs, stateIntervalMs, freeBytes: free } = parts
    const limits = await openRateLimits(service, configuration, { log: app.log, timeoutMs })
    app.addHook('onClose', () => limits.close())
    const limited = { ...service, limits, isTrustedProxy, stopping: () => drain.begun, free }
    const readiness = openReadiness(app, limited, configuration)
    service.tracing.traceRequests(app)
    logTraces(app, service.tracing)
    observeRequests(app, service.metrics)
    observeServer(app, limited, stateIntervalMs)
    const processReports = openProcessReports(app, service)
    const liveView = new LiveView({ ...limited, processReports, intervalMs: parts.liveIntervalMs })
    // Before the app waits for its connections: a stream would never end.
    app.addHook('preClose', async () => liveView.close())
    const stopWatching = watchSettingFiles(configuration.settingFiles, service.metrics, app.log)
    app.addHook('onClose', async () => stopWatching())
    // Before the limits, so that a page can read Retry-After.
    await allowOrigins(app, configuration.corsOrigins)
    limitRequests(app, limits)
    await app.register(swagger, openapiOptions(configuration.issuer))
    const { masterKeys } = service.database
    const health = new ServerHealth({ ...limited, masterKeys, readiness }, configuration)
    registerRoutes(app, configuration, { ...service, readiness, pages, liveView, health })
    scheduleUpkeepJobs(app, limited)
    scheduleAuditJobs(app, service, configuration)
    logLeaks(app, service.leaks)
    service.messages.on('fault', (fault) => app.log.error(fault, 'A message is faulty; the English one replaces it.'))
    scheduleMailJobs(app, service)
    scheduleRotations(app, service)
    scheduleTasks(app, service)
    scheduleFactorResets(app, service)
    scheduleImpersonations(app, service)
    scheduleKeyJobs(app, service, configuration)
    await app.ready()
  } catch (error) {
    await app.close()
    throw error
  }
  return {
    service,
    app,
    listen: async () => localUrl(configuration.host, await listen(app, configuration)),
    close: () => drain.run(),
  }
}

/**
 * Returns what all pages show; `undefined` if the server has no pages.
 *
 * @throws ConfigurationError if the theme cannot be used
 */
function frameOf({ pages, theme = defaultTheme }: Configuration): Frame | undefined {
  return pages === 'on' ? { theme, assets: readAssets(theme) } : undefined
}

/** The parts of the server that its routes use, beside the domains. */
interface RouteDependencies extends Service {
  readonly readiness: Readiness
  readonly liveView: LiveView
  readonly health: ServerHealth
  readonly pages: Pages | undefined
}

/**
 * Registers the routes: one plugin for each tag of the OpenAPI document, in the order of its tags.
 */
function registerRoutes(app: App, configuration: Configuration, { pages, ...service }: RouteDependencies): void {
  const { issuer, corsOrigins, returnOrigins, scopes, metricsTokens, passkeys } = configuration
  const trusted = new TrustedPages([new URL(issuer).origin, ...corsOrigins])
  const guards = createGuards({ ...service, pages: trusted })
  const cookies = new SessionCookies(issuer)
  const mayReadMetrics = metricsAccess({ tokens: metricsTokens, issuer })
  for (const schema of sharedSchemas) app.addSchema(schema)
  app.register(signInRoutes, { ...service, cookies, guards })
  app.register(passkeyRoutes, { ...service, cookies, guards, origins: passkeys.origins })
  app.register(mailRoutes, { ...service, cookies, guards })
  app.register(meRoutes, { ...service, cookies, guards })
  app.register(factorRoutes, { ...service, guards })
  app.register(adminRoutes, { ...service, statistics: service, settings: configuration.described, guards })
  app.register(clientRoutes, { ...service, guards })
  const signIn = pages === undefined ? undefined : new SignInRedirect(issuer, returnOrigins)
  app.register(oauthRoutes, { ...service, issuer, scopes, pages: trusted, guards, signIn })
  app.register(opsRoutes, { ...service, mayReadMetrics })
  if (pages !== undefined) {
    const account = [...guards.token, requireAccount]
    app.register(pageRoutes, { ...service, pages, configuration, cookies, account })
    if (configuration.console === 'on') app.register(consoleRoutes, { issuer })
  }
}

/** Runs this server's part of the rotation of all tenants. */
function scheduleRotations(app: App, { rotations, metrics: { jobFailures } }: Service): void {
  const tick = { name: 'rotate all tenants', run: () => rotations.tick() }
  scheduleJobs(app, [tick], { intervalMs: rotationIntervalMs, jobFailures })
}

/** Runs this server's part of the tasks on all accounts or keys. */
function scheduleTasks(app: App, { tasks, metrics: { jobFailures } }: Service): void {
  const tick = { name: 'tasks on all accounts or keys', run: () => tasks.tick() }
  scheduleJobs(app, [tick], { intervalMs: rotationIntervalMs, jobFailures })
  tasks.on('failure', (error, task) =>
    app.log.error(
      { err: error, task },
      'A task on all accounts or keys has failed; GET /v1/admin/tasks has its state.',
    ),
  )
}

/** Removes the factors of accounts for which an administrator has asked for it, after the delay. */
function scheduleFactorResets(app: App, { factorResets, metrics: { jobFailures } }: Service): void {
  const apply = { name: 'reset factors', run: () => factorResets.applyDue() }
  scheduleJobs(app, [apply], { intervalMs: factorResetIntervalMs, jobFailures })
}

/** Ends the sessions in which administrators act who may not any more. */
function scheduleImpersonations(app: App, { impersonations, metrics: { jobFailures } }: Service): void {
  const settle = { name: 'end impersonations', run: () => impersonations.settle() }
  scheduleJobs(app, [settle], { intervalMs: impersonationIntervalMs, jobFailures })
}
