import { type RateLimiterAbstract, RateLimiterRes } from 'rate-limiter-flexible'
import type { Limit, LimitScope, Limits, RouteClass } from '../config/limits.js'
import { type CounterBackend, memoryCounters } from './counter-backend.js'
import type { FallbackBreaker } from './fallback-breaker.js'
import type { KeyedHash } from './keyed-hash.js'

/** What is left of a limit after a request was counted. */
export interface Quota {
  /** The name of the limit, such as `login-address`. */
  readonly policy: string
  readonly limit: Limit
  readonly remaining: number
  /** Until the window ends; at least 1. */
  readonly resetSec: number
  /** The request is one too many. */
  readonly exceeded: boolean
}

/** What `RateLimits` works with. */
export interface RateLimitsOptions {
  readonly limits: Limits
  readonly backend: CounterBackend
  readonly insurance: FallbackBreaker
  readonly names: Pick<KeyedHash, 'of'>
}

/** One limit, counted in two places: the second counts while the first is away. */
interface Counters {
  readonly policy: string
  readonly limit: Limit
  readonly shared: RateLimiterAbstract
  readonly own: RateLimiterAbstract
}

/** Counts requests and says when it were too many. */
export class RateLimits {
  readonly #options: RateLimitsOptions
  readonly #counters = new Map<string, Counters>()
  readonly #refusals = new Map<RouteClass, number>()

  constructor(options: RateLimitsOptions) {
    this.#options = options
    const { backend, limits } = options
    const memory = memoryCounters()
    for (const [routeClass, scopes] of Object.entries(limits)) {
      for (const [scope, limit] of Object.entries(scopes)) {
        const policy = `${routeClass}-${scope}`
        const [shared, own] = [backend.counters(policy, limit), memory.counters(policy, limit)]
        this.#counters.set(policy, { policy, limit, shared, own })
      }
    }
  }

  /** Whether this process counts by itself because the shared counters are away. */
  get degraded(): boolean {
    return this.#options.insurance.away
  }

  /** How many requests this process has counted by itself because the shared counters were away. */
  get fallbacks(): number {
    return this.#options.insurance.fallbacks
  }

  /** How many requests were refused, by kind of route. */
  get refusals(): ReadonlyMap<RouteClass, number> {
    return this.#refusals
  }

  /** Counts one request of `holder`; `undefined` where there is no such limit. Never fails, and never lets more through for a failure. */
  async take(routeClass: RouteClass, scope: LimitScope, holder: readonly string[]): Promise<Quota | undefined> {
    const counters = this.#counters.get(`${routeClass}-${scope}`)
    if (counters === undefined) return undefined
    const { policy, limit, shared, own } = counters
    const name = this.#options.names.of(policy, ...holder)
    const quota = await this.#insured(
      () => count(shared, name),
      () => count(own, name),
    )
    if (quota.exceeded) this.#refusals.set(routeClass, (this.#refusals.get(routeClass) ?? 0) + 1)
    return { policy, limit, ...quota }
  }

  /** Deletes counters that no longer count. */
  prune(): Promise<void> {
    return this.#options.backend.prune()
  }

  close(): Promise<void> {
    return this.#options.backend.close()
  }

  #insured<T>(ask: () => Promise<T>, instead: () => Promise<T>): Promise<T> {
    const { backend, insurance } = this.#options
    return backend.place === 'memory' ? instead() : insurance.answer(ask, instead)
  }
}

async function count(limiter: RateLimiterAbstract, name: string) {
  try {
    return quotaOf(await limiter.consume(name), false)
  } catch (error) {
    if (error instanceof RateLimiterRes) return quotaOf(error, true)
    throw error
  }
}

function quotaOf({ remainingPoints, msBeforeNext }: RateLimiterRes, exceeded: boolean) {
  return { remaining: remainingPoints, resetSec: Math.max(1, Math.ceil(msBeforeNext / 1000)), exceeded }
}
