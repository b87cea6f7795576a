import { setTimeout as sleep } from 'node:timers/promises'
import { type FailureCode, isLatchkeyError } from '../errors.js'
import type { ChangeFeed, TenantStore, Verifier } from '../secrets/ports.js'

/** What `waitForAcknowledgements` works with. */
export interface AcknowledgementOptions {
  readonly store: Pick<TenantStore, 'verifiers'>
  readonly feed: Pick<ChangeFeed, 'ask'>
  /** This process's own. It is waited for whether it is listed or not. */
  readonly own: Verifier
  /** Whether this process has applied the change already, so that it need not be waited for. */
  readonly hasApplied: boolean
}

/** No `maxStaleness` is longer. */
const longestStalenessMs = 60_000
const listIntervalMs = 100

/** A timer may ring a little early. */
const earlyMs = 2

/**
 * Resolves when no verifier can believe any more what was so before this call: each one on the list has said that it has heard of every change committed before, or has
 * had the time in which what it knew ends. To be called when the change is committed: who is not on the list by then learns of it whatever they read.
 * A change in a transaction of the application reaches the caller's own verifier by its feed alone.
 */
export async function waitForAcknowledgements({ store, feed, own, hasApplied }: AcknowledgementOptions): Promise<void> {
  const startedAt = performance.now()
  const timers: NodeJS.Timeout[] = []
  const waitUntil = (ms: number) =>
    new Promise<void>((resolve) => {
      timers.push(setTimeout(resolve, startedAt + ms + earlyMs - performance.now()))
    })
  const answers = new Answers()
  const stopAsking = feed.ask?.((id) => answers.add(id))
  try {
    const verifiers = await listUntil(store, startedAt + longestStalenessMs)
    const others = verifiers.filter(({ id }) => id !== own.id)
    const awaited = hasApplied ? others : [...others, own]
    await Promise.all(
      awaited.map(({ id, maxStalenessMs }) => Promise.race([answers.of(id), waitUntil(maxStalenessMs)])),
    )
  } finally {
    stopAsking?.()
    for (const timer of timers) clearTimeout(timer)
  }
}

function isPassing(code: FailureCode): boolean {
  return code === 'store_unavailable' || code === 'store_busy'
}

/** The list, as soon as it can be read; nobody once nobody needs to be waited for. */
async function listUntil(store: AcknowledgementOptions['store'], giveUpAt: number): Promise<readonly Verifier[]> {
  while (performance.now() < giveUpAt) {
    try {
      return await store.verifiers()
    } catch (error) {
      if (!isLatchkeyError(error) || !isPassing(error.code)) throw error
    }
    await sleep(listIntervalMs)
  }
  return []
}

/** Who has answered, and who waits for an answer. */
class Answers {
  readonly #given = new Set<string>()
  readonly #awaited = new Map<string, () => void>()

  add(id: string): void {
    this.#given.add(id)
    this.#awaited.get(id)?.()
  }

  of(id: string): Promise<void> {
    if (this.#given.has(id)) return Promise.resolve()
    return new Promise((resolve) => this.#awaited.set(id, resolve))
  }
}
