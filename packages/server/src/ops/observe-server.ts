import type { Latchkey } from 'latchkey'
import type { PasswordQueue } from '../accounts/password-queue.js'
import type { Core } from '../core.js'
import type { App } from '../http/app.js'
import type { RateLimits } from '../protection/rate-limits.js'
import { scheduleJobs } from './jobs.js'
import type { Metrics } from './metrics.js'
import { observeRuntime } from './runtime-metrics.js'
import { StateCollector } from './state-collector.js'
import { observeState } from './state-metrics.js'

/** Everything whose state metrics show. */
interface Dependencies extends Pick<Core, 'store' | 'keys' | 'clock'> {
  readonly latchkey: Latchkey
  readonly passwords: PasswordQueue
  readonly limits: RateLimits
  readonly metrics: Metrics
}

/** Upper bound of the age of what metrics show of the database. */
const collectionIntervalMs = 15_000

/**
 * Shows the state of the process and of the database in the metrics. The database is read in the
 * background, so that a scrape never waits for it.
 */
export function observeServer(
  app: App,
  { passwords, limits, metrics, ...observed }: Dependencies,
  intervalMs = collectionIntervalMs,
): void {
  const collector = new StateCollector(observed)
  const collect = { name: 'collect the state for metrics', run: () => collector.collect() }
  scheduleJobs(app, [collect], { intervalMs, atOnce: true, jobFailures: metrics.jobFailures })
  observeState(metrics, {
    ...observed,
    collector,
    limitsDegraded: () => limits.degraded,
    passwordsWaiting: () => passwords.waiting,
  })
  const stopObserving = observeRuntime(metrics)
  app.addHook('onClose', async () => stopObserving())
}
