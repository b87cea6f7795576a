import type { Clock } from 'latchkey'
import type { Limit, LimitScope, Limits, RouteClass } from '../config/limits.js'
import { BatchedCounters, unreportedAllowance } from './batched-counters.js'
import type { CounterBackend } from './counter-backend.js'
import { type Counted, ExactCounters, LocalCounters } from './exact-counters.js'
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

/** A counter that a request takes from. */
export interface LimitedBy {
  readonly scope: LimitScope
  /** The address, the account, or the pair. */
  readonly holder: readonly string[]
  /** Whether `defer` has returned `true` for it. @defaultValue false */
  readonly deferred?: boolean
}

/** The parts of `RateLimits`. */
export interface RateLimitParts {
  readonly names: Pick<KeyedHash, 'of'>
  readonly clock: Pick<Clock, 'monotonic'>
  /** The counters that all servers share; `undefined` for one server with the embedded database. */
  readonly backend: CounterBackend | undefined
  readonly breaker: FallbackBreaker
}

/**
 * How requests are counted. `exact`: in the shared counters, before the request is admitted, where
 * a secret can be guessed or the work is costly. `batched`: in memory, and reported in batches,
 * where every secret has at least 128 random bits and the work is small.
 */
const countings = {
  login: 'exact',
  register: 'exact',
  recovery: 'exact',
  refresh: 'batched',
  token: 'batched',
  introspection: 'batched',
  admin: 'batched',
  general: 'batched',
} as const satisfies Record<RouteClass, 'exact' | 'batched'>

/** The number of counters in memory: about 20 MB. */
const capacity = 100_000

/** Longest time in milliseconds until a request that was counted in memory is reported. */
const batchIntervalMs = 1000

/** Counts requests against the configured limits. */
export class RateLimits {
  readonly #limits: Limits
  readonly #names: Pick<KeyedHash, 'of'>
  readonly #breaker: FallbackBreaker
  readonly #backend: CounterBackend | undefined
  readonly #local: LocalCounters
  readonly #exact: ExactCounters | undefined
  readonly #batched: BatchedCounters | undefined
  /** Requests whose body is being read, by counter. */
  readonly #deferred = new Map<string, number>()

  constructor(limits: Limits, { names, clock, backend, breaker }: RateLimitParts) {
    this.#limits = limits
    this.#names = names
    this.#breaker = breaker
    this.#backend = backend
    this.#local = new LocalCounters(clock, capacity)
    if (backend === undefined) return
    const shared = { backend, breaker, clock }
    this.#exact = new ExactCounters(shared, capacity)
    this.#batched = new BatchedCounters(shared, { intervalMs: batchIntervalMs, capacity })
  }

  /** Whether this process counts on its own because the shared counters are unavailable. */
  get degraded(): boolean {
    return this.#breaker.isOpen
  }

  /**
   * Returns whether the count of a request can wait until its body has been read, so that all its
   * counters are one statement. A process defers few requests of one holder at a time: a tenth of
   * what the limit leaves. The others must be counted first. After `true`, the caller must call
   * `take` with `deferred`.
   */
  defer(routeClass: RouteClass, { scope, holder }: LimitedBy): boolean {
    const counter = this.#counterOf(routeClass, scope, holder)
    if (counter === undefined || this.#exact === undefined || countings[routeClass] !== 'exact') return false
    const { key, limit } = counter
    const [known, deferred] = [this.#exact.knownUse(key), this.#deferred.get(key) ?? 0]
    const mayWait = known + deferred < limit.requests && deferred < unreportedAllowance(limit, known)
    if (mayWait) this.#deferred.set(key, deferred + 1)
    return mayWait
  }

  /**
   * Counts one request in each counter for which there is a limit, and returns those. If a limit is
   * known to be used up, the request may be counted in no other one. Never rejects: a failure of
   * the shared counters never admits more requests than each process counts on its own.
   */
  async take(routeClass: RouteClass, counters: readonly LimitedBy[]): Promise<readonly Quota[]> {
    const keys = counters.flatMap(({ scope, holder, deferred = false }) => {
      const counter = this.#counterOf(routeClass, scope, holder)
      return counter === undefined ? [] : [{ ...counter, deferred }]
    })
    if (keys.length === 0) return []
    try {
      return (await this.#count(routeClass, keys)).map(([{ policy, limit }, counted]) => ({
        policy,
        limit,
        ...quotaOf(limit, counted),
      }))
    } finally {
      for (const { key, deferred } of keys) if (deferred) this.#settle(key)
    }
  }

  /** Deletes counters whose window has ended. */
  async prune(): Promise<void> {
    await this.#backend?.prune()
  }

  /** Reports what was counted in memory, and closes the shared counters. */
  async close(): Promise<void> {
    await this.#batched?.close()
    await this.#backend?.close()
  }

  #counterOf(routeClass: RouteClass, scope: LimitScope, holder: readonly string[]): Counter | undefined {
    const limit = this.#limits[routeClass][scope]
    if (limit === undefined) return undefined
    const policy = `${routeClass}-${scope}`
    return { policy, limit, key: `${policy}:${this.#names.of(policy, ...holder)}` }
  }

  async #count(routeClass: RouteClass, keys: readonly Counter[]): Promise<readonly (readonly [Counter, Counted])[]> {
    const [exact, batched] = [this.#exact, this.#batched]
    if (exact === undefined || batched === undefined) return paired(keys, this.#local.take(keys))
    if (countings[routeClass] === 'exact') return paired(keys, await exact.take(keys))
    return paired(keys, await Promise.all(keys.map(({ key, limit }) => batched.take(key, limit))))
  }

  #settle(key: string): void {
    const deferred = (this.#deferred.get(key) ?? 1) - 1
    if (deferred > 0) this.#deferred.set(key, deferred)
    else this.#deferred.delete(key)
  }
}

/** The counter of one limit. */
interface Counter {
  readonly policy: string
  readonly limit: Limit
  readonly key: string
}

/** Returns the counters that have counted the request, with the result of each. */
function paired(
  counters: readonly Counter[],
  counted: readonly (Counted | undefined)[],
): (readonly [Counter, Counted])[] {
  return counters.flatMap((counter, index) => {
    const one = counted[index]
    return one === undefined ? [] : [[counter, one] as const]
  })
}

function quotaOf({ requests }: Limit, { used, endsInMs, exceeded }: Counted) {
  return { remaining: Math.max(0, requests - used), resetSec: Math.max(1, Math.ceil(endsInMs / 1000)), exceeded }
}
