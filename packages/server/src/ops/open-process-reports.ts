import type { Core } from '../core.js'
import type { App } from '../http/app.js'
import { DeliveryTimes } from './delivery-times.js'
import { scheduleJobs } from './jobs.js'
import { type Sources, subscribeTo } from './library-channels.js'
import type { Metrics } from './metrics.js'
import { ProcessReports } from './process-reports.js'

interface Dependencies extends Pick<Core, 'store' | 'keys' | 'clock'> {
  readonly metrics: Metrics
  readonly sources: Sources
}

const tickIntervalMs = 1000

/** Opens the reports of this process and of the others, until the app closes. */
export function openProcessReports(app: App, { sources, ...parts }: Dependencies): ProcessReports {
  const { clock, metrics } = parts
  const deliveries = new DeliveryTimes(clock)
  const stop = subscribeTo('latchkey:feed', sources, (message) => {
    if (message.event === 'change' && message.of === 'tenant') deliveries.record(message.maxDelayMs)
  })
  const reports = new ProcessReports({ ...parts, deliveries })
  const tick = { name: 'report the state of this process', run: () => reports.tick() }
  scheduleJobs(app, [tick], { intervalMs: tickIntervalMs, jobFailures: metrics.jobFailures })
  app.addHook('onClose', async () => {
    stop()
    // If this fails, the report expires.
    await reports.close().catch(() => {})
  })
  return reports
}
