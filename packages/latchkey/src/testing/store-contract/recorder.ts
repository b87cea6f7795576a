import { fail } from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type Instant, instantOf, systemClock } from '../../clock.js'
import type { Change, ChangeFeed, ChangeListener, WatchOptions } from '../../secrets/ports.js'
import { clearTimeout, performance, setTimeout } from '../../timers.js'
import type { ContractStore } from './contract.js'

/** One call of a listener. */
export type FeedEvent =
  | { readonly kind: 'changed'; readonly change: Change }
  | { readonly kind: 'proved'; readonly asOf: Instant }
  | { readonly kind: 'lost' }

/** A change whose commit was acknowledged to its writer. */
export interface Acknowledged {
  readonly version: number
  /** By the monotonic clock of this process. */
  readonly atMs: number
}

const patienceMs = 10_000

/** A listener that records its calls in their order. */
export class Recorder implements ChangeListener {
  readonly verifierId = randomUUID()
  readonly events: FeedEvent[] = []
  #wake = () => {}

  /** Watches the store with a check every `intervalMs`. */
  static async on(store: ContractStore, intervalMs = 20): Promise<{ recorder: Recorder; feed: ChangeFeed }> {
    const recorder = new Recorder()
    const feed = await store.watch(recorder, recorder.options(intervalMs))
    return { recorder, feed }
  }

  /** Returns the options with which it watches. */
  options(intervalMs: number): WatchOptions {
    return { verifierId: this.verifierId, intervalMs, instant: () => instantOf(systemClock) }
  }

  changed(change: Change): void {
    this.#add({ kind: 'changed', change })
  }

  proved(asOf: Instant): void {
    this.#add({ kind: 'proved', asOf })
  }

  lost(): void {
    this.#add({ kind: 'lost' })
  }

  /** The changes delivered so far, in order, each once. */
  get changes(): readonly Change[] {
    const seen = new Map<number, Change>()
    for (const event of this.events) if (event.kind === 'changed') seen.set(event.change.version, event.change)
    return [...seen.values()]
  }

  /** Resolves once this change was delivered. */
  delivered({ tenant, version }: Change): Promise<void> {
    return this.until(`version ${version} was delivered`, () =>
      this.changes.some((change) => change.tenant === tenant && change.version === version),
    )
  }

  /** Resolves at a proof that covers every change up to this call. */
  async proof(): Promise<void> {
    const now = performance.now()
    await this.until('the feed proved freshness', () =>
      this.events.some((event) => event.kind === 'proved' && event.asOf.monotonicMs >= now),
    )
  }

  /** Resolves once the condition holds, checked again after each event. Fails after ten seconds. */
  async until(what: string, condition: () => boolean): Promise<void> {
    const giveUpAt = performance.now() + patienceMs
    while (!condition()) {
      const left = giveUpAt - performance.now()
      if (left <= 0) fail(`It did not happen that ${what}.`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  /** Returns the first proof that covers a change which had not been delivered by then. */
  brokenProof(acknowledged: readonly Acknowledged[]): object | undefined {
    const delivered = new Set<number>()
    for (const event of this.events) {
      if (event.kind === 'changed') delivered.add(event.change.version)
      if (event.kind !== 'proved') continue
      const missing = acknowledged.find(({ version, atMs }) => atMs < event.asOf.monotonicMs && !delivered.has(version))
      if (missing !== undefined) return { missing, claimed: event.asOf }
    }
    return undefined
  }

  /** Makes waiting callers check their condition again. */
  wake(): void {
    this.#wake()
  }

  #add(event: FeedEvent): void {
    this.events.push(event)
    this.#wake()
  }
}
