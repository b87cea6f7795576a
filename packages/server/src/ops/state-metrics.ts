import type { Clock, Latchkey, TenantSecrets } from 'latchkey'
import type { SqlClient } from 'latchkey/sqlite'
import type { Metrics } from './metrics.js'
import { countSecretsByAge, type SecretAges } from './secret-ages.js'

/** What is looked at when the metrics are asked for. */
export interface ObservedState {
  readonly keys: Pick<TenantSecrets, 'feedAgeMs' | 'encryptions'>
  readonly latchkey: Pick<Latchkey, 'tokenCacheUse'>
  readonly store: SqlClient
  readonly clock: Clock
  /** Whether limits are counted here alone, because what servers share is away. */
  readonly limitsDegraded: () => boolean
  /** Passwords that wait to be hashed. */
  readonly passwordsWaiting: () => number
}

/** Counting reads every secret, so it is done no more often. */
const countIntervalMs = 600_000

/** Shows how things stand at each scrape. */
export function observeState(metrics: Metrics, { keys, latchkey, store, clock, ...state }: ObservedState): void {
  metrics.gauge({
    name: 'latchkey_feed_age_seconds',
    help: 'Since when the change feed has not proved itself complete; +Inf while it vouches for nothing.',
    read: () => [{ value: keys.feedAgeMs / 1000 }],
  })
  metrics.gauge({
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
  metrics.gauge({
    name: 'latchkey_audit_unsealed_entries',
    help: 'Entries of the audit log that are not in its chain yet; more than a few for long means that sealing fails.',
    read: async () => {
      const { rows } = await store.query<{ count: number }>(
        'select count(*) as count from server_audit where seq is null',
      )
      return rows.map(({ count }) => ({ value: Number(count) }))
    },
  })
  metrics.gauge({
    name: 'latchkey_mail_waiting',
    help: 'Letters in the outbox, and requests for some; more than a few for long means that a mail server is away.',
    read: async () => {
      const { rows } = await store.query<{ count: number }>('select count(*) as count from server_outbox')
      return rows.map(({ count }) => ({ value: Number(count) }))
    },
  })
  metrics.gauge({
    name: 'latchkey_master_key_encryptions',
    help: 'Values that each master key has encrypted, about; the limit of AES-GCM with random nonces is 2^32.',
    labelNames: ['key'],
    read: async () => [...(await keys.encryptions())].map(([id, value]) => ({ labels: { key: id }, value })),
  })
  const ages = secretAges(store, clock)
  metrics.gauge({
    name: 'latchkey_secrets',
    help: 'Secrets that sign, by the time since they were made; counted every ten minutes.',
    labelNames: ['age'],
    read: async () => (await ages()).map(({ age, count }) => ({ labels: { age }, value: count })),
  })
}

function secretAges(store: SqlClient, clock: Clock): () => Promise<readonly SecretAges[]> {
  let counted: readonly SecretAges[] = []
  let countedAt = Number.NEGATIVE_INFINITY
  return async () => {
    if (clock.monotonic() - countedAt < countIntervalMs) return counted
    counted = await countSecretsByAge(store, clock.now())
    countedAt = clock.monotonic()
    return counted
  }
}
