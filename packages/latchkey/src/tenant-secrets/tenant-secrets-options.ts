import type { Clock } from '../clock.js'
import type { HmacAlgorithm } from '../jws/algorithms.js'
import type { LegacyTokens } from '../legacy/legacy-tokens.js'
import type { SharedCache, TenantStore } from '../secrets/ports.js'

/** Options of `tenantSecrets`. */
export interface TenantSecretsOptions<Client = unknown> {
  /** The store of the sealed secrets. The caller closes it, after the key source. */
  readonly store: TenantStore<Client>
  /**
   * A cache that processes share, such as `redisCache`, so that the store is read less often. It is
   * not trusted (C6). The caller closes it, after the key source.
   */
  readonly cache?: SharedCache | undefined
  /**
   * Master keys as `id:base64url,id:base64url` of 32 bytes each, newest first. The first one
   * encrypts, and all of them decrypt. Without any, a TypeError says how to create one.
   */
  readonly masterKeys: string | undefined
  /**
   * The tokens that the application signed before with another library, to be accepted beside those
   * of the tenants for a time. Processes that share a store must use the same value, also those
   * which only revoke.
   *
   * @defaultValue none
   */
  readonly legacy?: LegacyTokens | undefined
  /**
   * The algorithm of new secrets. Existing secrets keep theirs until they are rotated.
   *
   * @defaultValue `'HS256'`
   */
  readonly algorithm?: HmacAlgorithm
  /**
   * Seconds for which a rotated secret still verifies tokens.
   *
   * @defaultValue `3600`
   */
  readonly gracePeriod?: number
  /**
   * Upper bound in milliseconds on the age of the data on which a token is accepted (C4), from 250
   * to 60,000.
   *
   * @defaultValue `2000`
   */
  readonly maxStaleness?: number
  /**
   * Longest lifetime of a token in seconds. An ended session is stored for this time and 1,000 s
   * more, because clocks differ. Processes that share a store must use the same value.
   *
   * @defaultValue `86_400`
   */
  readonly maxTokenTtl?: number
  /**
   * Largest number of tenants in memory, from 1 to 10,000,000.
   *
   * @defaultValue `100_000`
   */
  readonly maxTenants?: number
  /**
   * Called when the change feed becomes fresh, and when it stops being fresh. Meanwhile each tenant
   * whose tokens are verified is read from the store once per `maxStaleness`.
   */
  readonly onFeedChange?: (isFresh: boolean) => void
  /**
   * The source of the time.
   *
   * @defaultValue the clocks of the machine
   */
  readonly clock?: Clock
}
