import type { AuditDomain } from '../audit/open-audit.js'
import type { Configuration } from '../config/configuration.js'
import type { Core } from '../core.js'
import type { App } from '../http/app.js'
import { scheduleJobs, slowIntervalMs } from './jobs.js'
import type { Metrics } from './metrics.js'

/** Upper bound of the time in which a new entry is outside the chain. */
const sealIntervalMs = 1000

/** The audit log, the clock and the metrics. */
type Dependencies = AuditDomain & Pick<Core, 'clock'> & { readonly metrics: Metrics }

/** Links new entries into the chain, the last ones when the app closes, and deletes old ones. */
export function scheduleAuditJobs(
  app: App,
  { audit, auditChain, clock, metrics: { jobFailures } }: Dependencies,
  { auditRetentionSec }: Pick<Configuration, 'auditRetentionSec'>,
): void {
  const count = { name: 'write counted audit entries', run: () => audit.flush() }
  const seal = { name: 'seal the audit log', run: () => auditChain.seal() }
  const prune = { name: 'prune the audit log', run: () => auditChain.prune(clock.now() - auditRetentionSec * 1000) }
  scheduleJobs(app, [count, seal], { intervalMs: sealIntervalMs, jobFailures })
  scheduleJobs(app, [prune], { intervalMs: slowIntervalMs, jobFailures })
  app.addHook('onClose', async () => {
    await audit.flush('all').catch((error: unknown) => app.log.warn({ err: error }, 'Counted audit entries are lost.'))
    await auditChain
      .seal()
      .catch((error: unknown) => app.log.warn({ err: error }, 'The next start seals the audit log.'))
  })
}
