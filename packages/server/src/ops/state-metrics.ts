import type { Clock, Latchkey, TenantSecrets } from 'latchkey'
import type { SqlStore } from 'latchkey/sql'
import { serverVersion } from '../version.js'
import type { Metrics } from './metrics.js'
import { type CollectedState, maxCounted, type StateCollector } from './state-collector.js'

/** Sources of the metrics that are read at each scrape. All of them are in memory. */
export interface ObservedState {
  readonly keys: Pick<TenantSecrets, 'feedAgeMs'>
  readonly latchkey: Pick<Latchkey, 'tokenCacheUse'>
  readonly store: Pick<SqlStore, 'poolUse'>
  readonly clock: Clock
  /** State of the database that was read in the background. */
  readonly collector: Pick<StateCollector, 'state' | 'ageSec'>
  /** Returns whether limits are counted in memory because the shared counters are unavailable. */
  readonly limitsDegraded: () => boolean
  /** Returns the number of passwords that wait to be hashed. */
  readonly passwordsWaiting: () => number
}

/**
 * Shows the state of this process, and of the database as it was last collected, at each scrape.
 */
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
    help: 'Time since the change feed was last known to be complete; +Inf while it is not.',
    read: () => [{ value: keys.feedAgeMs / 1000 }],
  })
  metrics.total({
    name: 'latchkey_token_cache_lookups_total',
    help: 'Look-ups of access tokens in the cache of verified tokens: "hit" or "miss".',
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
    help: '1 while limits are counted in memory because the shared counters are unavailable.',
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
    help: 'Database calls that wait for a connection.',
    read: () => oneValue(store.poolUse()?.waiting),
  })
}

function observeDatabase(metrics: Metrics, { collector, clock }: ObservedState): void {
  metrics.gauge({
    name: 'latchkey_state_age_seconds',
    help: 'Age of the database state in the metrics below; +Inf before the first read.',
    read: () => [{ value: collector.ageSec }],
  })
  const gauge = (name: string, help: string, read: (state: CollectedState) => number) =>
    metrics.gauge({ name, help, read: () => oneValue(collector.state && read(collector.state)) })
  gauge(
    'latchkey_audit_unsealed_entries',
    `Entries of the audit log that are not in its chain yet, counted up to ${maxCounted}. If they stay, sealing fails.`,
    ({ unsealedEntries }) => unsealedEntries,
  )
  gauge(
    'latchkey_mail_waiting',
    `E-mails in the outbox, and requests for e-mails, counted up to ${maxCounted}. If they stay, the mail server fails.`,
    ({ mailWaiting }) => mailWaiting,
  )
  gauge(
    'latchkey_backup_age_seconds',
    'Time since the last recorded backup was completed; +Inf if none was recorded.',
    ({ lastBackupMs = Number.NEGATIVE_INFINITY }) => Math.max(0, clock.now() - lastBackupMs) / 1000,
  )
  metrics.gauge({
    name: 'latchkey_master_key_encryptions',
    help: 'Approximate number of values that each master key has encrypted; the limit of AES-GCM with random nonces is 2^32.',
    labelNames: ['key'],
    read: () => [...(collector.state?.encryptions ?? [])].map(([key, value]) => ({ labels: { key }, value })),
  })
  metrics.gauge({
    name: 'latchkey_secrets',
    help: 'Signing secrets by age; counted every ten minutes, and estimated above 2,000.',
    labelNames: ['age'],
    read: () => (collector.state?.secretAges ?? []).map(({ age, count }) => ({ labels: { age }, value: count })),
  })
}

function oneValue(value: number | undefined): { readonly value: number }[] {
  return value === undefined ? [] : [{ value }]
}
