import type { Clock, Latchkey, TenantSecrets } from 'latchkey'
import type { SqlStore } from 'latchkey/sql'
import { serverVersion } from '../version.js'
import type { Metrics } from './metrics.js'
import { type CollectedState, maxCounted, type StateCollector } from './state-collector.js'

/** What is looked at when the metrics are asked for. All of it is in memory. */
export interface ObservedState {
  readonly keys: Pick<TenantSecrets, 'feedAgeMs'>
  readonly latchkey: Pick<Latchkey, 'tokenCacheUse'>
  readonly store: Pick<SqlStore, 'poolUse'>
  readonly clock: Clock
  /** What was read from the database in the background. */
  readonly collector: Pick<StateCollector, 'state' | 'ageSec'>
  /** Whether limits are counted here alone, because what servers share is away. */
  readonly limitsDegraded: () => boolean
  /** Passwords that wait to be hashed. */
  readonly passwordsWaiting: () => number
}

/** Shows the state of this process, and of the database as it was last collected, at each scrape. */
export function observeState(metrics: Metrics, observed: ObservedState): void {
  observeProcess(metrics, observed)
  observePool(metrics, observed)
  observeDatabase(metrics, observed)
}

function observeProcess(metrics: Metrics, { keys, latchkey, ...state }: ObservedState): void {
  const version = serverVersion()
  metrics.gauge({
    name: 'latchkey_build_info',
    help: 'Always 1; the version of the server and of Node.js.',
    labelNames: ['version', 'node'],
    read: () => [{ labels: { version, node: process.versions.node }, value: 1 }],
  })
  metrics.gauge({
    name: 'latchkey_feed_age_seconds',
    help: 'Since when the change feed has not proved itself complete; +Inf while it vouches for nothing.',
    read: () => [{ value: keys.feedAgeMs / 1000 }],
  })
  metrics.total({
    name: 'latchkey_token_cache_lookups_total',
    help: 'Access tokens that were looked for among those verified before: "hit" or "miss".',
    labelNames: ['result'],
    read: () => {
      const { hits, misses } = latchkey.tokenCacheUse()
      return [
        { labels: { result: 'hit' }, value: hits },
        { labels: { result: 'miss' }, value: misses },
      ]
    },
  })
  metrics.gauge({
    name: 'latchkey_token_cache_entries',
    help: 'Verified access tokens in memory.',
    read: () => [{ value: latchkey.tokenCacheUse().entries }],
  })
  metrics.gauge({
    name: 'latchkey_limits_degraded',
    help: '1 while limits are counted in memory because the counters that servers share are away.',
    read: () => [{ value: state.limitsDegraded() ? 1 : 0 }],
  })
  metrics.gauge({
    name: 'latchkey_passwords_waiting',
    help: 'Passwords that wait to be hashed or checked.',
    read: () => [{ value: state.passwordsWaiting() }],
  })
}

/** The connections to PostgreSQL; with SQLite these metrics have no values. */
function observePool(metrics: Metrics, { store }: ObservedState): void {
  metrics.gauge({
    name: 'latchkey_pool_connections',
    help: 'Open connections to PostgreSQL: "used" or "idle".',
    labelNames: ['state'],
    read: () => {
      const use = store.poolUse()
      if (use === undefined) return []
      return [
        { labels: { state: 'used' }, value: use.used },
        { labels: { state: 'idle' }, value: use.idle },
      ]
    },
  })
  metrics.gauge({
    name: 'latchkey_pool_connections_limit',
    help: 'Connections to PostgreSQL that may be open at once.',
    read: () => oneValue(store.poolUse()?.max),
  })
  metrics.gauge({
    name: 'latchkey_pool_waiting',
    help: 'Calls of the database that wait for a connection.',
    read: () => oneValue(store.poolUse()?.waiting),
  })
}

function observeDatabase(metrics: Metrics, { collector, clock }: ObservedState): void {
  metrics.gauge({
    name: 'latchkey_state_age_seconds',
    help: 'Age of what was last collected from the database for the metrics below; +Inf before the first time.',
    read: () => [{ value: collector.ageSec }],
  })
  const gauge = (name: string, help: string, read: (state: CollectedState) => number) =>
    metrics.gauge({ name, help, read: () => oneValue(collector.state && read(collector.state)) })
  gauge(
    'latchkey_audit_unsealed_entries',
    `Entries of the audit log that are not in its chain yet, counted up to ${maxCounted}; more than a few for long means that sealing fails.`,
    ({ unsealedEntries }) => unsealedEntries,
  )
  gauge(
    'latchkey_mail_waiting',
    `Letters in the outbox, and requests for some, counted up to ${maxCounted}; more than a few for long means that a mail server is away.`,
    ({ mailWaiting }) => mailWaiting,
  )
  gauge(
    'latchkey_backup_age_seconds',
    'Since the last recorded backup was completed; +Inf if none was recorded.',
    ({ lastBackupMs = Number.NEGATIVE_INFINITY }) => Math.max(0, clock.now() - lastBackupMs) / 1000,
  )
  metrics.gauge({
    name: 'latchkey_master_key_encryptions',
    help: 'Values that each master key has encrypted, about; the limit of AES-GCM with random nonces is 2^32.',
    labelNames: ['key'],
    read: () => [...(collector.state?.encryptions ?? [])].map(([key, value]) => ({ labels: { key }, value })),
  })
  metrics.gauge({
    name: 'latchkey_secrets',
    help: 'Secrets that sign, by the time since they were made; looked at every ten minutes, and estimated from 2,000 on.',
    labelNames: ['age'],
    read: () => (collector.state?.secretAges ?? []).map(({ age, count }) => ({ labels: { age }, value: count })),
  })
}

function oneValue(value: number | undefined): { readonly value: number }[] {
  return value === undefined ? [] : [{ value }]
}
