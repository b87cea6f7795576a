import { fail } from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type Instant, instantOf, systemClock } from '../../clock.js'
import type { Change, ChangeFeed, ChangeListener, WatchOptions } from '../../secrets/ports.js'
import type { ContractStore } from './contract.js'

/** One call of a listener. */
export type FeedEvent =
  | { readonly kind: 'changed'; readonly change: Change }
  | { readonly kind: 'proved'; readonly asOf: Instant }
  | { readonly kind: 'lost' }

/** A change whose writer was told that it is committed. */
export interface Acknowledged {
  readonly version: number
  /** By the monotonic clock of this process. */
  readonly atMs: number
}

const patienceMs = 10_000

/** A listener that remembers in which order it was told what. */
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

  /** How it watches. */
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

  /** The changes told so far, in order, each once. */
  get changes(): readonly Change[] {
    const seen = new Map<number, Change>()
    for (const event of this.events) if (event.kind === 'changed') seen.set(event.change.version, event.change)
    return [...seen.values()]
  }

  /** Resolves when this change was told. */
  told({ tenant, version }: Change): Promise<void> {
    return this.until(`version ${version} was told`, () =>
      this.changes.some((change) => change.tenant === tenant && change.version === version),
    )
  }

  /** Resolves at a proof that covers everything up to this call. */
  async proof(): Promise<void> {
    const now = performance.now()
    await this.until('the feed proved itself', () =>
      this.events.some((event) => event.kind === 'proved' && event.asOf.monotonicMs >= now),
    )
  }

  /** Resolves when the condition holds, asked again after each event; fails after ten seconds. */
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

  /** The first proof that claims a change which had not been told by then. */
  brokenProof(acknowledged: readonly Acknowledged[]): object | undefined {
    const told = new Set<number>()
    for (const event of this.events) {
      if (event.kind === 'changed') told.add(event.change.version)
      if (event.kind !== 'proved') continue
      const missing = acknowledged.find(({ version, atMs }) => atMs < event.asOf.monotonicMs && !told.has(version))
      if (missing !== undefined) return { missing, claimed: event.asOf }
    }
    return undefined
  }

  /** Has whoever waits look again. */
  wake(): void {
    this.#wake()
  }

  #add(event: FeedEvent): void {
    this.events.push(event)
    this.#wake()
  }
}
