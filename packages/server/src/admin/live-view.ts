import { setTimeout as sleep } from 'node:timers/promises'
import { LatchkeyError } from 'latchkey'
import { type Counters, countersBy, type Refusals, sumRefusals } from '../ops/process-counters.js'
import type { ProcessReports, ReportedProcess } from '../ops/process-reports.js'
import { adminFailures } from './failures.js'
import { isSilent, listedProcesses } from './listed-processes.js'

/** The state of all processes of the database. */
export interface LiveState {
  /** Milliseconds since 1970. */
  readonly at: number
  /** Events per second, of all processes together. */
  readonly rates: Counters
  /** Events since these processes started. */
  readonly totals: Counters
  /** Refusals per second, of all processes together. */
  readonly refusals: Refusals
  /** At most 100: this one, the silent ones, those that are behind, and the others. */
  readonly processes: readonly ReportedProcess[]
  /** The number of all server processes. */
  readonly processCount: number
  /** Processes that verify tokens: servers, and applications with the library. */
  readonly verifiers: number | undefined
  /** Whether this process counts rate limits in memory, because the shared counters fail. */
  readonly limitsInMemory: boolean
}

/** An administrator who watches. */
export interface Watcher {
  readonly accountId: string
  /** Rejects once the administrator may not watch any more. */
  readonly check: () => Promise<void>
  readonly receive: (state: LiveState) => void
  /** Called once: with the refusal of `check`, or without one when the server stops. */
  readonly end: (refusal?: unknown) => void
}

export interface LiveViewParts {
  readonly processReports: Pick<ProcessReports, 'watch' | 'processes' | 'verifiers'>
  readonly limits: { readonly degraded: boolean }
  /** Returns whether the server is stopping. */
  readonly stopping: () => boolean
  readonly intervalMs?: number | undefined
}

const maxWatchers = 32
const maxWatchersOfAccount = 4

/** A check that takes longer counts as refused. Nothing is sent before it has ended. */
const maxCheckMs = 5000

/**
 * Sends the live state to each administrator who watches, every second, and checks each time
 * whether they still may.
 */
export class LiveView {
  readonly #parts: LiveViewParts
  readonly #watchers = new Set<Watcher>()
  #timer: NodeJS.Timeout | undefined
  #stopWatching: (() => void) | undefined
  #isTicking = false

  constructor(parts: LiveViewParts) {
    this.#parts = parts
  }

  /**
   * Adds a watcher. Returns the function that removes it.
   *
   * @throws Problem `live_streams_exhausted`
   */
  watch(watcher: Watcher): () => void {
    const own = [...this.#watchers].filter(({ accountId }) => accountId === watcher.accountId)
    if (this.#watchers.size >= maxWatchers || own.length >= maxWatchersOfAccount) {
      throw adminFailures.refusal('live_streams_exhausted', { retryAfterSec: 5 })
    }
    this.#watchers.add(watcher)
    this.#stopWatching ??= this.#parts.processReports.watch()
    this.#timer ??= setInterval(() => void this.#tick(), this.#parts.intervalMs ?? 1000).unref()
    void this.#tick()
    return () => this.#remove(watcher)
  }

  /** Ends all streams. */
  close(): void {
    for (const watcher of [...this.#watchers]) this.#end(watcher)
  }

  #remove(watcher: Watcher): void {
    this.#watchers.delete(watcher)
    if (this.#watchers.size > 0) return
    clearInterval(this.#timer)
    this.#stopWatching?.()
    this.#timer = undefined
    this.#stopWatching = undefined
  }

  #end(watcher: Watcher, refusal?: unknown): void {
    if (!this.#watchers.has(watcher)) return
    this.#remove(watcher)
    watcher.end(refusal)
  }

  async #tick(): Promise<void> {
    if (this.#isTicking) return
    this.#isTicking = true
    try {
      if (this.#parts.stopping()) return this.close()
      const state = await this.#read()
      await Promise.all([...this.#watchers].map((watcher) => this.#serve(watcher, state)))
    } finally {
      this.#isTicking = false
    }
  }

  async #serve(watcher: Watcher, state: LiveState): Promise<void> {
    try {
      await inTime(watcher.check())
    } catch (refusal) {
      return this.#end(watcher, refusal)
    }
    if (this.#watchers.has(watcher)) watcher.receive(state)
  }

  async #read(): Promise<LiveState> {
    const { processReports, limits } = this.#parts
    const processes = await processReports.processes()
    const reporting = processes.filter((process) => !isSilent(process))
    const sumOf = (kind: 'rates' | 'totals') =>
      countersBy((name) => reporting.reduce((sum, process) => sum + process[kind][name], 0))
    return {
      at: Date.now(),
      rates: sumOf('rates'),
      totals: sumOf('totals'),
      refusals: sumRefusals(reporting.map(({ refusals }) => refusals)),
      processes: listedProcesses(processes),
      processCount: processes.length,
      verifiers: processReports.verifiers,
      limitsInMemory: limits.degraded,
    }
  }
}

/** Rejects with `store_unavailable` if a check takes too long. */
async function inTime(check: Promise<void>): Promise<void> {
  const ended = new AbortController()
  const late = sleep(maxCheckMs, undefined, { signal: ended.signal }).then(() => {
    throw new LatchkeyError('store_unavailable')
  })
  late.catch(() => {})
  try {
    await Promise.race([check, late])
  } finally {
    ended.abort()
  }
}
