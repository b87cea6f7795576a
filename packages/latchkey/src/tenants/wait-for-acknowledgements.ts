import { type FailureCode, isLatchkeyError } from '../errors.js'
import type { TenantStore, Verifier } from '../secrets/ports.js'
import { performance, sleep } from '../timers.js'

/** The largest `maxStaleness`. */
const longestStalenessMs = 60_000

/** The pauses between two reads of the leases grow up to this. */
const longestPauseMs = 25

const retryMs = 100

/** A timer may fire slightly early. */
export const earlyMs = 2

/**
 * Resolves once no other verifier uses data from before this call: each one with a lease has
 * acknowledged every change committed before, or its `maxStaleness` has passed. Must be called
 * after the commit: a verifier that has no lease by then reads the change in any case.
 *
 * @param ownId The verifier of this process, which is not waited for.
 */
export async function waitForAcknowledgements(
  store: Pick<TenantStore, 'requestAcknowledgements' | 'verifiers'>,
  ownId: string,
): Promise<void> {
  const startedAt = performance.now()
  const deadlineMs = startedAt + longestStalenessMs
  const request = await whenAvailable(() => store.requestAcknowledgements(), deadlineMs)
  if (request === undefined) return
  const isAwaited = ({ id, maxStalenessMs }: Verifier) =>
    id !== ownId && performance.now() < startedAt + maxStalenessMs + earlyMs
  let silent = (await whenAvailable(() => store.verifiers(request), deadlineMs)) ?? []
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    silent = silent.filter(isAwaited)
    if (silent.length === 0) return
    await sleep(pauseMs)
    const stillSilent = await ifAvailable(() => store.verifiers(request))
    // A verifier that has a lease since the first read has read the change.
    if (stillSilent === undefined) continue
    const ids = new Set(stillSilent.map(({ id }) => id))
    silent = silent.filter(({ id }) => ids.has(id))
  }
}

/** Retries while the store is unavailable. Returns `undefined` once no verifier can be stale. */
async function whenAvailable<T>(call: () => Promise<T>, deadlineMs: number): Promise<T | undefined> {
  while (performance.now() < deadlineMs) {
    const result = await ifAvailable(call)
    if (result !== undefined) return result
    await sleep(retryMs)
  }
  return undefined
}

/** Returns `undefined` if the store is unavailable. */
async function ifAvailable<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call()
  } catch (error) {
    if (isLatchkeyError(error) && isTransient(error.code)) return undefined
    throw error
  }
}

function isTransient(code: FailureCode): boolean {
  return code === 'store_unavailable' || code === 'store_busy'
}
