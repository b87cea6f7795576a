import { isLatchkeyError } from '../errors.js'
import type { TenantStore, Verifier } from '../secrets/ports.js'
import { performance, sleep } from '../timers.js'

/** The largest `maxStaleness`. */
const longestStalenessMs = 60_000

/** The pauses between two reads of the leases grow up to this. */
const longestPauseMs = 25

const retryMs = 100

/** A timer may fire slightly early. */
export const earlyMs = 2

/** A process that verifies tokens, and whether it has acknowledged. */
export interface VerifierAcknowledgement extends Verifier {
  /**
   * Milliseconds from the call until this process knew of the acknowledgement, or of the end of the
   * other process. `null`: it has not acknowledged, and its `maxStaleness` has passed.
   */
  readonly acknowledgedMs: number | null
}

/** The processes that `waitForPropagation` has waited for. */
export interface PropagationReport {
  /** The number of processes that verified tokens at the time of the call, this one included. */
  readonly verifiers: number
  /** The number of them that have acknowledged. */
  readonly acknowledged: number
  /** Milliseconds from the call until no process could use older data. */
  readonly elapsedMs: number
  /** This process first. */
  readonly processes: readonly VerifierAcknowledgement[]
}

/**
 * Resolves once no verifier uses data from before this call: each one with a lease has acknowledged
 * every change committed before, or its `maxStaleness` has passed. Must be called after the commit:
 * a verifier that has no lease by then reads the change in any case.
 *
 * @param own The verifier of this process.
 * @param caughtUp Resolves to whether this process has applied every change committed before.
 */
export async function waitForAcknowledgements(
  store: Pick<TenantStore, 'requestAcknowledgements' | 'verifiers'>,
  own: Verifier,
  caughtUp: Promise<boolean> | true,
): Promise<PropagationReport> {
  const startedAt = performance.now()
  const elapsedMs = () => Math.ceil(performance.now() - startedAt)
  const times = new Map<string, number>()
  const waitForThis = async () => {
    if (await caughtUp) times.set(own.id, elapsedMs())
  }
  const waitForOthers = async () => {
    const requestAll = () => ifAvailable(() => Promise.all([store.requestAcknowledgements(), store.verifiers()]))
    let answer = await requestAll()
    while (answer === undefined && elapsedMs() < longestStalenessMs) {
      await sleep(retryMs)
      answer = await requestAll()
    }
    // Without an answer until then, no verifier can be stale any more.
    const [request, listed] = answer ?? [0, []]
    const others = listed.filter(({ id }) => id !== own.id)
    for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      const silent = others.filter(
        ({ id, maxStalenessMs }) => !times.has(id) && elapsedMs() <= maxStalenessMs + earlyMs,
      )
      if (silent.length === 0) return others
      await sleep(pauseMs)
      const stillSilent = await ifAvailable(() => store.verifiers(request))
      if (stillSilent === undefined) continue
      const ids = new Set(stillSilent.map(({ id }) => id))
      for (const { id } of silent) if (!ids.has(id)) times.set(id, elapsedMs())
    }
  }
  const [others] = await Promise.all([waitForOthers(), waitForThis()])
  const processes = [own, ...others].map((one) => ({ ...one, acknowledgedMs: times.get(one.id) ?? null }))
  return { verifiers: processes.length, acknowledged: times.size, elapsedMs: elapsedMs(), processes }
}

/** Returns `undefined` if the store is unavailable. */
async function ifAvailable<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call()
  } catch (error) {
    if (isLatchkeyError(error) && (error.code === 'store_unavailable' || error.code === 'store_busy')) return undefined
    throw error
  }
}
