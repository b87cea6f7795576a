import type { Auth } from './auth.js'
import { callBack } from './call-back.js'
import { withDeadline } from './deadline.js'
import { isLatchkeyError, LatchkeyError, refusal } from './errors.js'
import type { KeySource } from './keys/key-source.js'
import { isPromise, type MaybePromise } from './maybe-promise.js'
import { clearTimeout, nextTurn, performance, setTimeout, sleep } from './timers.js'

/** Options of `WatchedTokens`. */
export interface WatchedTokensOptions {
  readonly keys: Pick<KeySource, 'watch' | 'introspector'>
  /** Throws or rejects with a LatchkeyError for an invalid token. */
  readonly verify: (token: string) => MaybePromise<Auth>
  /** Milliseconds since 1970. */
  readonly nowMs: () => number
}

/** A token to watch. */
export interface TokenToWatch {
  readonly token: string
  /** The identity that was verified from it. */
  readonly auth: Auth<object>
  /** Milliseconds since 1970 from which it is expired. */
  readonly endsAtMs: number
  /** Called once, in a turn of the event loop of its own. */
  readonly ended: (reason: LatchkeyError) => void
}

interface Watch extends TokenToWatch {
  timer: NodeJS.Timeout | undefined
  /**
   * The start of the last verification that accepted the token, in milliseconds since the process
   * started.
   */
  confirmedAtMs: number
  isBeingChecked: boolean
  /** Whether it must be checked (again). */
  needsCheck: boolean
}

/** The longest interval between two checks, because a grace period ends without a notification. */
const longestIntervalMs = 60_000

/**
 * Milliseconds for which failed checks are repeated once the data is stale; then the watch ends.
 */
const retryMs = 1000
const attemptIntervalMs = 250

/** The shortest time limit of a check, which applies after a stall of this process. */
const shortestCheckMs = 250

/** Checks per turn of the event loop, so that requests are served in between. */
const sliceSize = 500

const unanswered = () => refusal('store_unavailable')

/**
 * Verifies tokens of long-lived uses, such as an open stream, whenever they may have become
 * invalid.
 */
export class WatchedTokens {
  readonly #options: WatchedTokensOptions
  readonly #intervalMs: number
  readonly #bySubject = new Map<string, Set<Watch>>()
  #stopListening: (() => void) | undefined

  constructor(options: WatchedTokensOptions) {
    this.#options = options
    this.#intervalMs = options.keys.introspector?.watchIntervalMs ?? longestIntervalMs
  }

  /** Watches this token until it ends or the returned function is called. */
  add(token: TokenToWatch): () => void {
    this.#stopListening ??= this.#options.keys.watch?.((subject, freshForMs) =>
      this.#recheck(subject, performance.now() + (freshForMs ?? 0)),
    )
    const watch: Watch = {
      ...token,
      timer: undefined,
      confirmedAtMs: performance.now(),
      isBeingChecked: false,
      needsCheck: false,
    }
    const { subject } = token.auth
    const siblings = this.#bySubject.get(subject)
    if (siblings === undefined) this.#bySubject.set(subject, new Set([watch]))
    else siblings.add(watch)
    // Immediately, because it may have ended between its verification and this call.
    void this.#check(watch)
    return () => this.#remove(watch)
  }

  /** Ends all watches without calling `ended`. */
  close(): void {
    this.#stopListening?.()
    for (const watch of this.#all()) clearTimeout(watch.timer)
    this.#bySubject.clear()
  }

  /**
   * `freshUntilMs`: the time at which the current data becomes stale, in milliseconds since the
   * process started.
   */
  #recheck(subject: string | undefined, freshUntilMs: number): void {
    if (subject === undefined) void this.#checkAll(freshUntilMs)
    else for (const watch of this.#bySubject.get(subject) ?? []) void this.#check(watch, freshUntilMs)
  }

  async #checkAll(freshUntilMs: number): Promise<void> {
    const watches = this.#all()
    for (let from = 0; from < watches.length; from += sliceSize) {
      for (const watch of watches.slice(from, from + sliceSize)) void this.#check(watch, freshUntilMs)
      await nextTurn()
    }
  }

  async #check(watch: Watch, freshUntilMs = performance.now()): Promise<void> {
    watch.needsCheck = true
    if (watch.isBeingChecked) return
    watch.isBeingChecked = true
    clearTimeout(watch.timer)
    let reason: LatchkeyError | undefined
    while (watch.needsCheck && reason === undefined) {
      watch.needsCheck = false
      reason = await this.#reasonToEnd(watch, freshUntilMs)
    }
    watch.isBeingChecked = false
    if (!this.#isWatched(watch)) return
    if (reason === undefined) this.#scheduleCheck(watch)
    else this.#end(watch, reason)
  }

  async #reasonToEnd(watch: Watch, freshUntilMs: number): Promise<LatchkeyError | undefined> {
    // A verification accepts data that is fresh when it begins, so the token is valid until then.
    const deadlineMs = Math.max(freshUntilMs, watch.confirmedAtMs) + retryMs
    for (;;) {
      const beganAtMs = performance.now()
      try {
        const verified = this.#options.verify(watch.token)
        const { grants } = isPromise(verified)
          ? await withDeadline(verified, Math.max(deadlineMs - beganAtMs, shortestCheckMs), unanswered)
          : verified
        if (!isSame(grants, watch.auth.grants)) return new LatchkeyError('grants_changed')
        watch.confirmedAtMs = beganAtMs
        return undefined
      } catch (error) {
        if (!isLatchkeyError(error)) return new LatchkeyError('store_unavailable', { cause: error })
        if (error.status !== 503 || !(performance.now() + attemptIntervalMs < deadlineMs)) return error
      }
      await sleep(attemptIntervalMs, undefined, { ref: false })
    }
  }

  #scheduleCheck(watch: Watch): void {
    const remainingMs = Math.max(watch.endsAtMs - this.#options.nowMs(), 1)
    watch.timer = setTimeout(() => void this.#check(watch), Math.min(remainingMs, this.#intervalMs)).unref()
  }

  #end(watch: Watch, reason: LatchkeyError): void {
    this.#remove(watch)
    callBack(() => watch.ended(reason))
  }

  #remove(watch: Watch): void {
    clearTimeout(watch.timer)
    const { subject } = watch.auth
    const siblings = this.#bySubject.get(subject)
    siblings?.delete(watch)
    if (siblings?.size === 0) this.#bySubject.delete(subject)
  }

  #isWatched(watch: Watch): boolean {
    return this.#bySubject.get(watch.auth.subject)?.has(watch) === true
  }

  #all(): readonly Watch[] {
    return [...this.#bySubject.values()].flatMap((siblings) => [...siblings])
  }
}

/** Returns whether the grants are equal. Equal grants are usually one object, but not always. */
function isSame(one: Auth['grants'], other: Auth['grants']): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other)
}
