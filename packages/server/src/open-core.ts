import { type Clock, keyPair, type RotatingKeyPairSource, type TenantSecrets, tenantSecrets } from 'latchkey'
import type { AuditChain } from './audit/audit-chain.js'
import { openAudit } from './audit/open-audit.js'
import type { Configuration } from './config/configuration.js'
import type { Core } from './core.js'
import { type OpenDatabase, openDatabase } from './database/open-database.js'
import type { Metrics } from './ops/metrics.js'
import { observedCache } from './ops/observed-cache.js'
import { observedStore } from './ops/observed-store.js'
import type { Tracing } from './ops/tracing/tracing.js'

/** The open core: the database, its keys and its audit log. */
export interface OpenCore extends Core {
  readonly database: OpenDatabase
  /** Signs tokens for other services. */
  readonly serviceKeys: RotatingKeyPairSource
  readonly auditChain: AuditChain
  close(): Promise<void>
}

/** The clock, and the observers of store and cache. */
export interface CoreParts {
  readonly clock: Clock
  readonly metrics: Metrics
  readonly tracing: Tracing
}

/** Opens the database and everything that all domains use; closes it again if a part cannot start. */
export async function openCore(
  configuration: Configuration,
  { clock, metrics, tracing }: CoreParts,
): Promise<OpenCore> {
  const database = await openDatabase(configuration.database)
  const { masterKeys } = database
  const store = observedStore(database.store, metrics, tracing)
  const cache = await openCache(configuration, metrics, tracing)
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
  const serviceKeys = keyPair({ store, masterKeys, algorithm: 'ES256', clock })
  const stopWatching = expireWithFeed(keys, serviceKeys)
  const close = async () => {
    stopWatching?.()
    await serviceKeys.close()
    await keys.close()
    await cache?.close()
    await store.close()
  }
  try {
    await keys.ready()
    const audit = await openAudit({ store, keys, clock })
    return { database, store, keys, clock, serviceKeys, ...audit, close }
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
async function openCache({ redisUrl }: Configuration, metrics: Metrics, tracing: Tracing) {
  if (redisUrl === undefined) return undefined
  const { redisCache } = await import('latchkey/redis')
  return observedCache(redisCache({ url: redisUrl }), metrics, tracing)
}
