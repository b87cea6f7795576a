import { setTimeout as sleep } from 'node:timers/promises'
import { checkWhole } from '../check-whole.js'
import { type FailureCode, isLatchkeyError } from '../errors.js'

/** Options of `rotateAll`. */
export interface RotateAllOptions {
  /**
   * Signing secrets made before this date are replaced. Default: the moment of the call, which is all of them. To take up a rotation that a crash
   * ended, give the same date again: what it had rotated is newer.
   */
  readonly olderThan?: Date
  /** Tenants per minute at most, spread evenly. 1 to 600,000; default 6000. Each is a transaction of its own, and its grace period ends when it was rotated. */
  readonly ratePerMinute?: number
  /** Tenants after which it pauses by itself, so that somebody can look before the others follow. Default 0: it does not. */
  readonly canary?: number
  /** Called after each tenant and at each change of state. */
  readonly onProgress?: (progress: RotationProgress) => void
}

/**
 * `waiting`: the store is away; it goes on when that is back. `stopped`: by `stop()`, or because the keys were closed.
 */
export type RotationState = 'rotating' | 'paused' | 'waiting' | 'done' | 'stopped'

/** How far a rotation of everybody has come. */
export interface RotationProgress {
  readonly state: RotationState
  /** What `olderThan` was, to take this rotation up again. */
  readonly olderThan: Date
  readonly rotated: number
  /** Tenants that could not be rotated, by why; they keep their secret. */
  readonly failed: Readonly<Partial<Record<FailureCode, number>>>
  /** Tenants still due, as counted at the beginning less those that have been seen since. */
  readonly remaining: number
  /** When the last one will be rotated at this rate. */
  readonly estimatedEnd: Date
}

/** A rotation of everybody that is under way. */
export interface TenantsRotation {
  readonly progress: RotationProgress
  /** Resolves with the last progress when it is done or stopped. Rejects with what has ended it otherwise, such as `schema_too_new`. */
  readonly done: Promise<RotationProgress>
  /** Rotates nobody until `resume`. */
  pause(): void
  resume(): void
  /** Ends it after the tenant at hand. */
  stop(): void
}

/** What a rotation needs of the lifecycle. */
export interface RotationSteps {
  /** Up to `limit` tenants whose signing secret was made before this time (ms since 1970), by ID, after this one. */
  readonly readDue: (before: number, after: string, limit: number) => Promise<readonly string[]>
  readonly countDue: (before: number) => Promise<number>
  /** Rotates the tenant if its signing secret was made before this time; whether it did. One transaction. */
  readonly rotateIfDue: (tenant: string, before: number) => Promise<boolean>
  /** Milliseconds since 1970. */
  readonly nowMs: () => number
}

const batchSize = 200
const firstBackoffMs = 500
const longestBackoffMs = 30_000

/**
 * Rotates everybody whose secret is older than a date, one after another at a bounded rate. It keeps no notes: a tenant that was rotated is due no longer, so
 * whoever begins again with the same date goes on where the last one ended, and two of them at once rotate nobody twice.
 */
export class RotationOfAll implements TenantsRotation {
  readonly done: Promise<RotationProgress>
  readonly #steps: RotationSteps
  readonly #before: number
  readonly #intervalMs: number
  readonly #canary: number
  readonly #onProgress: RotateAllOptions['onProgress']
  readonly #stop = new AbortController()
  readonly #failed: Partial<Record<FailureCode, number>> = {}
  #state: RotationState = 'rotating'
  #due = 0
  #seen = 0
  #rotated = 0
  #resume: (() => void) | undefined

  constructor(steps: RotationSteps, { olderThan, ratePerMinute, canary, onProgress }: RotateAllOptions) {
    this.#steps = steps
    this.#before = olderThan?.getTime() ?? steps.nowMs()
    if (Number.isNaN(this.#before)) throw new TypeError('olderThan is a date.')
    this.#intervalMs = 60_000 / checkWhole('ratePerMinute', ratePerMinute ?? 6000, 1, 600_000)
    this.#canary = checkWhole('canary', canary ?? 0, 0, Number.MAX_SAFE_INTEGER)
    this.#onProgress = onProgress
    this.done = this.#run()
  }

  get progress(): RotationProgress {
    const remaining = Math.max(0, this.#due - this.#seen)
    return {
      state: this.#state,
      olderThan: new Date(this.#before),
      rotated: this.#rotated,
      failed: { ...this.#failed },
      remaining,
      estimatedEnd: new Date(this.#steps.nowMs() + remaining * this.#intervalMs),
    }
  }

  pause(): void {
    if (this.#state === 'rotating' || this.#state === 'waiting') this.#enter('paused')
  }

  resume(): void {
    if (this.#state !== 'paused') return
    this.#enter('rotating')
    this.#resume?.()
  }

  stop(): void {
    this.#stop.abort()
    this.#resume?.()
  }

  async #run(): Promise<RotationProgress> {
    // The caller has its handle first.
    await Promise.resolve()
    const { readDue, countDue } = this.#steps
    this.#due = (await this.#untilReached(() => countDue(this.#before))) ?? 0
    let after = ''
    for (;;) {
      const tenants = (await this.#untilReached(() => readDue(this.#before, after, batchSize))) ?? []
      if (tenants.length === 0) break
      for (const tenant of tenants) {
        if (!(await this.#mayGoOn())) return this.#end('stopped')
        const startedAt = performance.now()
        await this.#rotate(tenant)
        after = tenant
        await this.#sleep(this.#intervalMs - (performance.now() - startedAt))
      }
    }
    return this.#end(this.#stop.signal.aborted ? 'stopped' : 'done')
  }

  async #rotate(tenant: string): Promise<void> {
    try {
      if (await this.#untilReached(() => this.#steps.rotateIfDue(tenant, this.#before))) this.#rotated += 1
    } catch (error) {
      if (!isLatchkeyError(error)) throw error
      this.#failed[error.code] = (this.#failed[error.code] ?? 0) + 1
    }
    this.#seen += 1
    if (this.#seen === this.#canary) this.#enter('paused')
    else this.#onProgress?.(this.progress)
  }

  /** Does it again for as long as the store is away; `undefined` when the rotation was stopped meanwhile. */
  async #untilReached<T>(step: () => Promise<T>): Promise<T | undefined> {
    for (let backoffMs = firstBackoffMs; await this.#mayGoOn(); backoffMs = Math.min(2 * backoffMs, longestBackoffMs)) {
      try {
        const result = await step()
        if (this.#state === 'waiting') this.#enter('rotating')
        return result
      } catch (error) {
        if (!isLatchkeyError(error) || error.code !== 'store_unavailable') throw error
        if (this.#state === 'rotating') this.#enter('waiting')
        await this.#sleep(backoffMs)
      }
    }
    return undefined
  }

  /** Waits while it is paused; false once it was stopped. */
  async #mayGoOn(): Promise<boolean> {
    while (this.#state === 'paused' && !this.#stop.signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#resume = resolve
      })
    }
    return !this.#stop.signal.aborted
  }

  async #sleep(milliseconds: number): Promise<void> {
    if (milliseconds >= 1) await sleep(milliseconds, undefined, { signal: this.#stop.signal }).catch(() => {})
  }

  #end(state: 'done' | 'stopped'): RotationProgress {
    this.#enter(state)
    return this.progress
  }

  #enter(state: RotationState): void {
    this.#state = state
    this.#onProgress?.(this.progress)
  }
}
