import type { Configuration } from '../config/configuration.js'
import type { Core } from '../core.js'
import type { App } from '../http/app.js'
import { ForwardingWatch } from '../http/forwarding-watch.js'
import type { RateLimits } from '../protection/rate-limits.js'
import { type FreeBytes, freeBytes, watchDisk } from './disk-space.js'
import { Readiness } from './readiness.js'

interface Dependencies extends Pick<Core, 'store' | 'keys'> {
  readonly limits: RateLimits
  readonly isTrustedProxy: (address: string | undefined) => boolean
  readonly stopping: () => boolean
  /** Returns the free bytes of a disk. @defaultValue `freeBytes` */
  readonly free?: FreeBytes | undefined
}

/** Opens the readiness of the server, with the warnings that apply to its configuration. */
export function openReadiness(
  app: App,
  { store, keys, limits, isTrustedProxy, stopping, free = freeBytes }: Dependencies,
  configuration: Configuration,
): Readiness {
  const { database, maxStalenessMs } = configuration
  const forwarding = new ForwardingWatch(app, isTrustedProxy)
  const undeclared = proxiesUndeclared(configuration)
  if (undeclared)
    app.log.warn(
      'LATCHKEY_ISSUER is https, so there must be a proxy, but TRUSTED_PROXIES is empty: set it to the address of the proxy.',
    )
  const isDiskFull = database.kind === 'embedded' && watchDisk(database.folder, free, app.log)
  const warnings = async () => [
    ...(undeclared ? (['proxies_undeclared'] as const) : []),
    ...(forwarding.seen ? (['forwarding_untrusted'] as const) : []),
    ...(limits.degraded ? (['limits_in_memory'] as const) : []),
    ...(isDiskFull && (await isDiskFull()) ? (['disk_full'] as const) : []),
  ]
  return new Readiness({ store, keys, maxStalenessMs, warnings, stopping })
}

/** Returns whether a proxy must terminate TLS, as this server does not, and none is configured. */
function proxiesUndeclared({ issuer, trustedProxies }: Configuration): boolean {
  return issuer.startsWith('https:') && trustedProxies.length === 0
}
