import type { AccountLinks } from '../accounts/open-account-links.js'
import { fillSearchTexts } from '../accounts/search-text.js'
import type { Core } from '../core.js'
import type { OpenDatabase } from '../database/open-database.js'
import type { App } from '../http/app.js'
import type { MailDomain } from '../mail/open-mail.js'
import type { GuessGuard } from '../protection/guess-guard.js'
import type { RateLimits } from '../protection/rate-limits.js'
import type { Sessions } from '../sessions/sessions.js'
import { indexJob } from './build-indexes.js'
import { scheduleJobs, slowIntervalMs } from './jobs.js'
import type { Metrics } from './metrics.js'

interface Dependencies extends Pick<Core, 'store' | 'keys'>, Pick<AccountLinks, 'oneTimeTokens' | 'invitations'> {
  readonly database: Pick<OpenDatabase, 'buildIndexes'>
  readonly sessions: Sessions
  readonly guesses: GuessGuard
  readonly mail: Pick<MailDomain, 'quota'>
  readonly limits: RateLimits
  readonly metrics: Metrics
}

/**
 * Deletes rows that have expired, fills the search texts of accounts from older versions, and
 * builds the indexes that a large database lacks.
 */
export function scheduleUpkeepJobs(
  app: App,
  { store, keys, database, sessions, limits, guesses, oneTimeTokens, invitations, mail, metrics }: Dependencies,
): void {
  const closing = new AbortController()
  app.addHook('onClose', async () => closing.abort())
  const indexes = indexJob(database, app.log, closing.signal)
  const jobs = [
    { name: 'prune secrets', run: () => keys.prune() },
    { name: 'prune sessions', run: () => sessions.prune() },
    { name: 'prune rate limits', run: () => limits.prune() },
    { name: 'prune guesses', run: () => guesses.prune() },
    { name: 'prune one-time tokens', run: () => oneTimeTokens.prune() },
    { name: 'prune invitations', run: () => invitations.prune() },
    { name: 'prune mail counts', run: () => mail.quota.prune() },
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
