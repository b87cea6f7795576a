import type { AccountLinks } from '../accounts/open-account-links.js'
import { fillSearchTexts } from '../accounts/search-text.js'
import type { Core } from '../core.js'
import type { App } from '../http/app.js'
import type { MailDomain } from '../mail/open-mail.js'
import type { GuessGuard } from '../protection/guess-guard.js'
import type { RateLimits } from '../protection/rate-limits.js'
import type { Sessions } from '../sessions/sessions.js'
import { scheduleJobs, slowIntervalMs } from './jobs.js'
import type { Metrics } from './metrics.js'

/** Everything that accumulates rows. */
interface Dependencies extends Pick<Core, 'store' | 'keys'>, Pick<AccountLinks, 'oneTimeTokens' | 'invitations'> {
  readonly sessions: Sessions
  readonly guesses: GuessGuard
  readonly mail: Pick<MailDomain, 'quota'>
  readonly limits: RateLimits
  readonly metrics: Metrics
}

/** Deletes rows that have expired, and fills the search texts of accounts from older versions. */
export function scheduleUpkeepJobs(
  app: App,
  { store, keys, sessions, limits, guesses, oneTimeTokens, invitations, mail, metrics }: Dependencies,
): void {
  const jobs = [
    { name: 'prune secrets', run: () => keys.prune() },
    { name: 'prune sessions', run: () => sessions.prune() },
    { name: 'prune rate limits', run: () => limits.prune() },
    { name: 'prune guesses', run: () => guesses.prune() },
    { name: 'prune one-time tokens', run: () => oneTimeTokens.prune() },
    { name: 'prune invitations', run: () => invitations.prune() },
    { name: 'prune mail counts', run: () => mail.quota.prune() },
    { name: 'fill search texts', run: () => fillSearchTexts(store) },
  ]
  scheduleJobs(app, jobs, { intervalMs: slowIntervalMs, jobFailures: metrics.jobFailures })
  // Not awaited: after an upgrade with many accounts it takes minutes.
  fillSearchTexts(store).catch((error: unknown) =>
    app.log.warn({ err: error }, 'Some accounts cannot be found by all spellings of their names yet; it is retried.'),
  )
}
