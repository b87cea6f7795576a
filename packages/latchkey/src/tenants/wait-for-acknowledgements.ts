import { setTimeout as sleep } from 'node:timers/promises'
import { type FailureCode, isLatchkeyError } from '../errors.js'
import type { ChangeFeed, TenantStore, Verifier } from '../secrets/ports.js'

/** Options of `waitForAcknowledgements`. */
export interface AcknowledgementOptions {
  readonly store: Pick<TenantStore, 'verifiers'>
  readonly feed: Pick<ChangeFeed, 'requestAcknowledgements'>
  /** The verifier of this process. Its acknowledgement is needed whether it is listed or not. */
  readonly verifier: Verifier
  /** Whether this process has applied the change already, so that it need not acknowledge it. */
  readonly hasApplied: boolean
}

/** The largest `maxStaleness`. */
const longestStalenessMs = 60_000
const listIntervalMs = 100

/** A timer may fire slightly early. */
const earlyMs = 2

/**
 * Resolves once no verifier uses data from before this call: each verifier on the list has
 * acknowledged every change committed before, or its `maxStaleness` has passed. Must be called
 * after the commit: a verifier that is not on the list by then reads the change in any case. A
 * change in a transaction of the application reaches the verifier of this process by its feed
 * alone.
 */
export async function waitForAcknowledgements(options: AcknowledgementOptions): Promise<void> {
  const { store, feed, verifier, hasApplied } = options
  const startedAt = performance.now()
  const timers: NodeJS.Timeout[] = []
  const waitUntil = (ms: number) =>
    new Promise<void>((resolve) => {
      timers.push(setTimeout(resolve, startedAt + ms + earlyMs - performance.now()))
    })
  const received = new Acknowledgements()
  const stop = feed.requestAcknowledgements?.((id) => received.add(id))
  try {
    const verifiers = await listUntil(store, startedAt + longestStalenessMs)
    const others = verifiers.filter(({ id }) => id !== verifier.id)
    const awaited = hasApplied ? others : [...others, verifier]
    await Promise.all(
      awaited.map(({ id, maxStalenessMs }) => Promise.race([received.of(id), waitUntil(maxStalenessMs)])),
    )
  } finally {
    stop?.()
    for (const timer of timers) clearTimeout(timer)
  }
}

function isTransient(code: FailureCode): boolean {
  return code === 'store_unavailable' || code === 'store_busy'
}

/** Returns the list as soon as it can be read, or an empty one once no verifier can be stale. */
async function listUntil(store: AcknowledgementOptions['store'], deadlineMs: number): Promise<readonly Verifier[]> {
  while (performance.now() < deadlineMs) {
    try {
      return await store.verifiers()
    } catch (error) {
      if (!isLatchkeyError(error) || !isTransient(error.code)) throw error
    }
    await sleep(listIntervalMs)
  }
  return []
}

/** The acknowledgements that have arrived, and the callers that wait for one. */
class Acknowledgements {
  readonly #received = new Set<string>()
  readonly #awaited = new Map<string, () => void>()

  add(id: string): void {
    this.#received.add(id)
    this.#awaited.get(id)?.()
  }

  /** Resolves once this verifier has acknowledged. */
  of(id: string): Promise<void> {
    if (this.#received.has(id)) return Promise.resolve()
    return new Promise((resolve) => this.#awaited.set(id, resolve))
  }
}
