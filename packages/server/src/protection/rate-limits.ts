import { type RateLimiterAbstract, RateLimiterRes } from 'rate-limiter-flexible'
import type { Limit, LimitScope, Limits, RouteClass } from '../config/limits.js'
import { type CounterBackend, memoryCounters } from './counter-backend.js'
import type { FallbackBreaker } from './fallback-breaker.js'
import type { KeyedHash } from './keyed-hash.js'

/** The remaining requests of a limit after a request was counted. */
export interface Quota {
  /** The name of the limit, such as `login-address`. */
  readonly policy: string
  readonly limit: Limit
  readonly remaining: number
  /** Seconds until the window ends; at least 1. */
  readonly resetSec: number
  /** Whether the request exceeds the limit. */
  readonly exceeded: boolean
}

/** One limit with two counters: the second counts while the first is unavailable. */
interface Counters {
  readonly policy: string
  readonly limit: Limit
  readonly shared: RateLimiterAbstract
  readonly local: RateLimiterAbstract
}

/** The counters that all servers share, and their circuit breaker. */
interface SharedCounters {
  readonly backend: CounterBackend
  readonly breaker: FallbackBreaker
}

/** Counts requests against the configured limits. */
export class RateLimits {
  readonly #backend: CounterBackend
  readonly #breaker: FallbackBreaker
  readonly #names: Pick<KeyedHash, 'of'>
  readonly #counters = new Map<string, Counters>()
  readonly #refusals = new Map<RouteClass, number>()

  constructor(limits: Limits, names: Pick<KeyedHash, 'of'>, { backend, breaker }: SharedCounters) {
    this.#backend = backend
    this.#breaker = breaker
    this.#names = names
    const memory = memoryCounters()
    for (const [routeClass, scopes] of Object.entries(limits)) {
      for (const [scope, limit] of Object.entries(scopes)) {
        const policy = `${routeClass}-${scope}`
        const [shared, local] = [backend.counters(policy, limit), memory.counters(policy, limit)]
        this.#counters.set(policy, { policy, limit, shared, local })
      }
    }
  }

  /** Whether this process counts on its own because the shared counters are unavailable. */
  get degraded(): boolean {
    return this.#breaker.isOpen
  }

  /** The number of requests that this process counted on its own for that reason. */
  get fallbacks(): number {
    return this.#breaker.fallbacks
  }

  /** The number of refused requests, by class of route. */
  get refusals(): ReadonlyMap<RouteClass, number> {
    return this.#refusals
  }

  /**
   * Counts one request of `holder`; returns `undefined` where there is no such limit. Never
   * rejects: a failure of the shared counters never admits more requests.
   */
  async take(routeClass: RouteClass, scope: LimitScope, holder: readonly string[]): Promise<Quota | undefined> {
    const counters = this.#counters.get(`${routeClass}-${scope}`)
    if (counters === undefined) return undefined
    const { policy, limit, shared, local } = counters
    const name = this.#names.of(policy, ...holder)
    const quota = await this.#countShared(
      () => count(shared, name),
      () => count(local, name),
    )
    if (quota.exceeded) this.#refusals.set(routeClass, (this.#refusals.get(routeClass) ?? 0) + 1)
    return { policy, limit, ...quota }
  }

  /** Deletes counters whose window has ended. */
  prune(): Promise<void> {
    return this.#backend.prune()
  }

  close(): Promise<void> {
    return this.#backend.close()
  }

  #countShared<T>(call: () => Promise<T>, fallback: () => Promise<T>): Promise<T> {
    return this.#backend.place === 'memory' ? fallback() : this.#breaker.run(call, fallback)
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
