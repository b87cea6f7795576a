import { type Clock, keyPair, type RotatingKeyPairSource, type TenantSecrets, tenantSecrets } from 'latchkey'
import type { AuditChain } from './audit/audit-chain.js'
import { openAudit } from './audit/open-audit.js'
import type { Configuration } from './config/configuration.js'
import type { Core } from './core.js'
import { type OpenDatabase, openDatabase } from './database/open-database.js'
import { observeLibrary } from './ops/library-metrics.js'
import type { Metrics } from './ops/metrics.js'
import type { Tracing } from './ops/tracing/tracing.js'

/** The open core: the database, its keys and its audit log. */
export interface OpenCore extends Core {
  readonly database: OpenDatabase
  /** Signs tokens for other services. */
  readonly serviceKeys: RotatingKeyPairSource
  readonly auditChain: AuditChain
  /** The objects whose diagnostics metrics and tracing observe. */
  readonly sources: Set<object>
  close(): Promise<void>
}

/** The clock, and the observers of the library. */
export interface CoreParts {
  readonly clock: Clock
  readonly metrics: Metrics
  readonly tracing: Tracing
}

/**
 * Opens the database and everything that all domains use; closes it again if a part cannot start.
 */
export async function openCore(
  configuration: Configuration,
  { clock, metrics, tracing }: CoreParts,
): Promise<OpenCore> {
  const database = await openDatabase(configuration.database)
  const { masterKeys, store } = database
  const cache = await openCache(configuration)
  const sources = new Set<object>(cache === undefined ? [store] : [store, cache])
  const stopMetrics = observeLibrary(metrics, sources)
  const stopTracing = tracing.traceLibrary(sources)
  const keys = tenantSecrets({
    store,
    cache,
    masterKeys,
    clock,
    gracePeriod: configuration.gracePeriodSec,
    maxStaleness: configuration.maxStalenessMs,
    // A stolen secret signs no token that is valid for longer than those of this server.
    maxTokenTtl: configuration.accessTokenTtlSec,
  })
  sources.add(keys)
  const serviceKeys = keyPair({ store, masterKeys, algorithm: 'ES256', clock })
  const stopWatching = expireWithFeed(keys, serviceKeys)
  const close = async () => {
    stopWatching?.()
    await serviceKeys.close()
    await keys.close()
    await cache?.close()
    await store.close()
    stopMetrics()
    stopTracing()
  }
  try {
    await keys.ready()
    const audit = await openAudit({ store, keys, clock })
    return { database, store, keys, clock, serviceKeys, sources, ...audit, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Reads the service keys again once another process may have changed them. */
function expireWithFeed(keys: TenantSecrets, serviceKeys: RotatingKeyPairSource): (() => void) | undefined {
  return keys.watch?.((tenant) => {
    if (tenant === undefined) serviceKeys.expire()
  })
}

/** Opens the shared cache, if a Redis is configured. */
async function openCache({ redisUrl, authorities }: Configuration) {
  if (redisUrl === undefined) return undefined
  const { redisCache } = await import('latchkey/redis')
  return redisCache({ url: redisUrl, ca: authorities })
}
