import { checkWhole } from '../check-whole.js'
import { type FailureCode, isLatchkeyError } from '../errors.js'
import { performance, sleep } from '../timers.js'

/** Options of `rotateAll`. */
export interface RotateAllOptions {
  /**
   * Signing secrets created before this date are rotated. To continue after a crash, pass the same
   * date again: secrets that were rotated already are newer.
   *
   * @defaultValue the time of the call, so that all are rotated
   */
  readonly olderThan?: Date
  /**
   * Tenants per minute, evenly spread, from 1 to 600,000. Each is a transaction of its own, and its
   * grace period begins when it is rotated.
   *
   * @defaultValue `6000`
   */
  readonly ratePerMinute?: number
  /**
   * Number of tenants after which the rotation pauses, so that an operator can check the result.
   *
   * @defaultValue `0`: it does not pause
   */
  readonly canary?: number
  /** Called after each tenant and each change of state. */
  readonly onProgress?: (progress: RotationProgress) => void
}

/**
 * `waiting`: the store cannot be reached; the rotation continues when it can. `stopped`: by
 * `stop()`, or because the key source was closed.
 */
export type RotationState = 'rotating' | 'paused' | 'waiting' | 'done' | 'stopped'

/** The progress of a rotation of all tenants. */
export interface RotationProgress {
  readonly state: RotationState
  /** The option `olderThan`, with which this rotation can be continued. */
  readonly olderThan: Date
  readonly rotated: number
  /** Number of tenants that could not be rotated, by code; they keep their secret. */
  readonly failed: Readonly<Partial<Record<FailureCode, number>>>
  /** Number of tenants still due: those counted at the beginning minus those processed since. */
  readonly remaining: number
  /** The time at which the last tenant will be rotated at this rate. */
  readonly estimatedEnd: Date
}

/** A running rotation of all tenants. */
export interface TenantsRotation {
  readonly progress: RotationProgress
  /** Resolves with the last progress when done or stopped; rejects with an error that ended it. */
  readonly done: Promise<RotationProgress>
  /** Rotates no tenant until `resume`. */
  pause(): void
  resume(): void
  /** Ends the rotation after the current tenant. */
  stop(): void
}

/** The steps of a rotation. */
export interface RotationSteps {
  /** See `TenantStore.readDue`. */
  readonly readDue: (before: number, after: string, limit: number) => Promise<readonly string[]>
  readonly countDue: (before: number) => Promise<number>
  /**
   * Rotates the tenant if its signing secret was created before this time; returns whether it did.
   */
  readonly rotateIfDue: (tenant: string, before: number) => Promise<boolean>
  /** Milliseconds since 1970. */
  readonly nowMs: () => number
}

const batchSize = 200
const firstBackoffMs = 500
const longestBackoffMs = 30_000

/**
 * Rotates all tenants whose secret is older than a date, one after another at a bounded rate.
 *
 * It stores no progress: a rotated tenant is no longer due. A second rotation with the same date
 * therefore continues where the first one ended, and two at once rotate no tenant twice.
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
    if (Number.isNaN(this.#before)) throw new TypeError('olderThan must be a valid Date.')
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
    // The caller receives its handle first.
    await Promise.resolve()
    const { readDue, countDue } = this.#steps
    this.#due = (await this.#untilReached(() => countDue(this.#before))) ?? 0
    let after = ''
    for (;;) {
      const tenants = (await this.#untilReached(() => readDue(this.#before, after, batchSize))) ?? []
      if (tenants.length === 0) break
      for (const tenant of tenants) {
        if (!(await this.#canContinue())) return this.#end('stopped')
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

  /** Repeats a step while the store cannot be reached; `undefined` if stopped meanwhile. */
  async #untilReached<T>(step: () => Promise<T>): Promise<T | undefined> {
    for (
      let backoffMs = firstBackoffMs;
      await this.#canContinue();
      backoffMs = Math.min(2 * backoffMs, longestBackoffMs)
    ) {
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

  /** Waits while the rotation is paused; returns `false` once it is stopped. */
  async #canContinue(): Promise<boolean> {
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
