import type { AccountLinks } from '../accounts/open-account-links.js'
import { fillSearchTexts } from '../accounts/search-text.js'
import type { Core } from '../core.js'
import type { OpenDatabase } from '../database/open-database.js'
import { pruneUnconfirmed } from '../factors/factor-table.js'
import type { FactorsDomain } from '../factors/open-factors.js'
import type { App } from '../http/app.js'
import { pruneLetters } from '../mail/letter-log.js'
import type { MailDomain } from '../mail/open-mail.js'
import type { GuessGuard } from '../protection/guess-guard.js'
import type { RateLimits } from '../protection/rate-limits.js'
import type { Sessions } from '../sessions/sessions.js'
import { indexJob } from './build-indexes.js'
import { scheduleJobs, slowIntervalMs } from './jobs.js'
import type { Metrics } from './metrics.js'

interface Dependencies
  extends Pick<Core, 'store' | 'keys' | 'clock'>,
    Pick<AccountLinks, 'oneTimeTokens' | 'invitations'>,
    Pick<FactorsDomain, 'challenges' | 'trustedDevices'> {
  readonly database: Pick<OpenDatabase, 'buildIndexes'>
  readonly sessions: Sessions
  readonly guesses: GuessGuard
  readonly mail: Pick<MailDomain, 'quota'>
  readonly limits: RateLimits
  readonly metrics: Metrics
}

/** The time for which a factor that was not confirmed is kept. */
const keepUnconfirmedMs = 86_400_000

/**
 * Deletes rows that have expired, fills the search texts of accounts from older versions, and
 * builds the indexes that a large database lacks.
 */
export function scheduleUpkeepJobs(app: App, dependencies: Dependencies): void {
  const { store, keys, clock, database, sessions, limits, guesses, mail, metrics } = dependencies
  const { oneTimeTokens, invitations, challenges, trustedDevices } = dependencies
  const closing = new AbortController()
  app.addHook('onClose', async () => closing.abort())
  const indexes = indexJob(database, app.log, closing.signal)
  const jobs = [
    { name: 'prune secrets', run: () => keys.prune() },
    { name: 'prune sessions', run: () => sessions.prune() },
    { name: 'prune rate limits', run: () => limits.prune() },
    { name: 'prune guesses', run: () => guesses.prune() },
    { name: 'prune challenges', run: () => challenges.prune() },
    { name: 'prune one-time tokens', run: () => oneTimeTokens.prune() },
    { name: 'prune invitations', run: () => invitations.prune() },
    { name: 'prune mail counts', run: () => mail.quota.prune() },
    { name: 'prune letters', run: () => pruneLetters(store, clock.now()) },
    { name: 'prune challenges', run: () => challenges.prune() },
    { name: 'prune trusted devices', run: () => trustedDevices.prune() },
    { name: 'prune factors', run: () => pruneUnconfirmed(store, clock.now() - keepUnconfirmedMs) },
    { name: 'fill search texts', run: () => fillSearchTexts(store) },
    indexes,
  ]
  scheduleJobs(app, jobs, { intervalMs: slowIntervalMs, jobFailures: metrics.jobFailures })
  // Not awaited, because they take minutes after an upgrade with many accounts.
  fillSearchTexts(store).catch((error: unknown) =>
    app.log.warn(
      { err: error },
      'Filling the search texts of accounts failed, so searches may miss some accounts; it will be retried.',
    ),
  )
  indexes
    .run()
    .catch((error: unknown) =>
      app.log.warn({ err: error }, 'Building indexes failed, so searches and lists are slow; it will be retried.'),
    )
}
