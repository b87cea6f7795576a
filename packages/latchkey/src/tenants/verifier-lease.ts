import { randomUUID } from 'node:crypto'
import { type Clock, elapsedMs, type Instant, instantOf, longAgo } from '../clock.js'
import type { TenantStore, Verifier } from '../secrets/ports.js'

/** What `VerifierLease` works with. */
export interface VerifierLeaseOptions {
  readonly store: Pick<TenantStore, 'register' | 'unregister'>
  readonly maxStalenessMs: number
  readonly clock: Clock
}

/** What is learnt later than this after a registration is not believed. */
const learningMs = 30_000

const renewalMs = 10_000

/** By how much the database's clock may be set forward before a verifier is missed that still believes something. */
const marginMs = 30_000

/**
 * Keeps this verifier on the list of those whom a change has to reach. Whatever it believes it has learnt while it was on that list, and believes for no longer than
 * it stays there: so whoever commits a change and then finds nobody on the list knows that nobody can believe what was before.
 */
export class VerifierLease {
  readonly verifier: Verifier
  readonly #options: VerifierLeaseOptions
  /** Just before the last registration that was answered. */
  #registeredAt: Instant | undefined
  #renewing: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(options: VerifierLeaseOptions) {
    this.#options = options
    this.verifier = { id: randomUUID(), maxStalenessMs: options.maxStalenessMs }
  }

  /** This moment, for whoever is about to begin a check or a read; long ago while what begins now could not be believed to its end. */
  readonly instant = (): Instant => {
    // Taken first: should the process be stopped here, it is not believed for longer.
    const now = instantOf(this.#options.clock)
    return this.#holds ? now : longAgo
  }

  /** Registers, unless that holds: then there is nothing to wait for. Fails with `store_unavailable`. */
  ensure(): Promise<void> | undefined {
    return this.#holds ? undefined : this.#renew()
  }

  /** Registers, and does so again and again. Fails with `store_unavailable`. */
  async start(): Promise<void> {
    await this.#renew()
    this.#timer ??= setInterval(() => void this.#renew().catch(() => {}), renewalMs).unref()
  }

  /** Counts as not registered from now on, and registers anew. */
  expire(): void {
    if (this.#timer === undefined) return
    this.#registeredAt = undefined
    this.#renew().catch(() => {})
  }

  /** To be called when nothing is believed any more. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#renewing?.catch(() => {})
    this.#registeredAt = undefined
    // Who cannot be taken off the list now is waited for until that ends by itself.
    await this.#options.store.unregister(this.verifier.id).catch(() => {})
  }

  #renew(): Promise<void> {
    this.#renewing ??= this.#register().finally(() => {
      this.#renewing = undefined
    })
    return this.#renewing
  }

  async #register(): Promise<void> {
    const { store, clock, maxStalenessMs } = this.#options
    const beganAt = instantOf(clock)
    await store.register(this.verifier, learningMs + maxStalenessMs + marginMs)
    this.#registeredAt = beganAt
  }

  get #holds(): boolean {
    return this.#registeredAt !== undefined && elapsedMs(this.#options.clock, this.#registeredAt) <= learningMs
  }
}
