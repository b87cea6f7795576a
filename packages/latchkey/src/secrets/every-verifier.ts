import { setTimeout as sleep } from 'node:timers/promises'
import { isLatchkeyError } from '../errors.js'
import type { ChangeFeed, TenantStore, Verifier } from './ports.js'

/** What `everyVerifier` works with. */
export interface EveryVerifierOptions {
  readonly store: Pick<TenantStore, 'verifiers'>
  readonly feed: Pick<ChangeFeed, 'ask'>
  /** This process's own, which knows what it has done. */
  readonly ownId: string
}

/** No `maxStaleness` is longer. */
const longestStalenessMs = 60_000
const listIntervalMs = 100

/** A timer may ring a little early. */
const earlyMs = 2

/**
 * Resolves when no verifier can believe any more what was so before this call: each one on the list has said that it has heard of every change committed before, or has
 * had the time in which what it knew ends. To be called when the change is committed: who is not on the list by then learns of it whatever they read.
 */
export async function everyVerifier({ store, feed, ownId }: EveryVerifierOptions): Promise<void> {
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
    const others = verifiers.filter(({ id }) => id !== ownId)
    await Promise.all(others.map(({ id, maxStalenessMs }) => Promise.race([answers.of(id), waitUntil(maxStalenessMs)])))
  } finally {
    stopAsking?.()
    for (const timer of timers) clearTimeout(timer)
  }
}

/** The list, as soon as it can be read; nobody once nobody needs to be waited for. */
async function listUntil(store: EveryVerifierOptions['store'], giveUpAt: number): Promise<readonly Verifier[]> {
  while (performance.now() < giveUpAt) {
    try {
      return await store.verifiers()
    } catch (error) {
      if (!isLatchkeyError(error) || error.code !== 'store_unavailable') throw error
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
