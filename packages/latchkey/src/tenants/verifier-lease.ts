import { randomUUID } from 'node:crypto'
import { type Clock, elapsedMs, type Instant, instantOf, longAgo } from '../clock.js'
import type { TenantStore, Verifier } from '../secrets/ports.js'
import { clearInterval, setInterval } from '../timers.js'

/** Options of `VerifierLease`. */
export interface VerifierLeaseOptions {
  readonly store: Pick<TenantStore, 'renewLease' | 'releaseLease'>
  readonly maxStalenessMs: number
  readonly clock: Clock
}

/** Milliseconds after a renewal in which a read that begins may be cached. */
const cachingMs = 30_000

const renewalMs = 10_000

/** How far the database's clock may be set forward before a valid lease expires there. */
const marginMs = 30_000

/**
 * Renews this process's row in the list of verifiers. Reads made without a valid lease are not
 * cached, and cached data is used no longer than the lease lasts. Therefore a process that commits
 * a change and then finds an empty list can be certain that no verifier uses older data.
 */
export class VerifierLease {
  readonly #options: VerifierLeaseOptions
  #verifier: Verifier | undefined
  /** The instant before the last renewal that succeeded. */
  #renewedAt: Instant | undefined
  #renewing: Promise<void> | undefined
  #expirations = 0
  #timer: NodeJS.Timeout | undefined

  constructor(options: VerifierLeaseOptions) {
    this.#options = options
  }

  /** This process. Its ID is made at the first use: some runtimes have no random bytes at start. */
  get verifier(): Verifier {
    this.#verifier ??= { id: randomUUID(), maxStalenessMs: this.#options.maxStalenessMs }
    return this.#verifier
  }

  /** Returns the current instant, or `longAgo` while a read that begins now may not be cached. */
  readonly instant = (): Instant => {
    // Read first: if the process is suspended here, the lease is not taken for valid longer.
    const now = instantOf(this.#options.clock)
    return this.#isValid ? now : longAgo
  }

  /**
   * Renews the lease unless it is valid; then returns `undefined`. Fails with `store_unavailable`.
   */
  ensure(): Promise<void> | undefined {
    return this.#isValid ? undefined : this.#renew()
  }

  /** Renews the lease, now and periodically. Fails with `store_unavailable`. */
  async start(): Promise<void> {
    await this.#renew()
    this.#timer ??= setInterval(() => void this.#renew().catch(() => {}), renewalMs).unref()
  }

  /** Treats the lease as expired, and renews it. */
  expire(): void {
    if (this.#timer === undefined) return
    this.#renewedAt = undefined
    this.#expirations += 1
    this.#renew().catch(() => {})
  }

  /** Releases the lease. Must be called once no cached data is used any more. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#renewing?.catch(() => {})
    this.#renewedAt = undefined
    // If this fails, other processes wait until the lease expires.
    await this.#options.store.releaseLease(this.verifier.id).catch(() => {})
  }

  #renew(): Promise<void> {
    this.#renewing ??= this.#renewNow().finally(() => {
      this.#renewing = undefined
    })
    return this.#renewing
  }

  async #renewNow(): Promise<void> {
    const { store, clock, maxStalenessMs } = this.#options
    let beganAt: Instant
    let expirations: number
    do {
      expirations = this.#expirations
      beganAt = instantOf(clock)
      await store.renewLease(this.verifier, cachingMs + maxStalenessMs + marginMs)
      // A lease that expired meanwhile may be a row of another history.
    } while (expirations !== this.#expirations)
    this.#renewedAt = beganAt
  }

  get #isValid(): boolean {
    const { clock } = this.#options
    return this.#renewedAt !== undefined && elapsedMs(clock, this.#renewedAt) <= cachingMs
  }
}
