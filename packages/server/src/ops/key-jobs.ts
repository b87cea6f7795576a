import type { RotatingKeyPairSource } from 'latchkey'
import type { Configuration } from '../config/configuration.js'
import type { Core } from '../core.js'
import { encryptionWarning } from '../database/master-keys/encryption-limit.js'
import type { App } from '../http/app.js'
import { scheduleJobs, slowIntervalMs } from './jobs.js'
import type { Metrics } from './metrics.js'

/** The keys, the clock and the metrics. */
interface Dependencies extends Pick<Core, 'keys' | 'clock'> {
  readonly serviceKeys: RotatingKeyPairSource
  readonly metrics: Metrics
}

/**
 * Rotates the key for other services when it is due, in one of the servers, and warns before a master
 * key has encrypted too many values.
 */
export function scheduleKeyJobs(
  app: App,
  { keys, serviceKeys, clock, metrics: { jobFailures } }: Dependencies,
  { serviceKeyRotationSec }: Pick<Configuration, 'serviceKeyRotationSec'>,
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
  scheduleJobs(app, [rotate, watch], { intervalMs: slowIntervalMs, jobFailures })
}
