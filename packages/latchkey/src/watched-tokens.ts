import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import type { Auth } from './auth.js'
import { callBack } from './call-back.js'
import { withDeadline } from './deadline.js'
import { isLatchkeyError, LatchkeyError, refusal } from './errors.js'
import type { KeySource } from './keys/key-source.js'
import type { MaybePromise } from './maybe-promise.js'

/** What `WatchedTokens` works with. */
export interface WatchedTokensOptions {
  readonly keys: Pick<KeySource, 'watch'>
  /** Throws or rejects with a LatchkeyError when the token holds no more. */
  readonly verify: (token: string) => MaybePromise<Auth>
  /** Milliseconds since 1970. */
  readonly nowMs: () => number
}

/** A token that something leans on. */
export interface TokenToWatch {
  readonly token: string
  /** The identity that was verified from it. */
  readonly auth: Auth
  /** Milliseconds since 1970 from which it is refused. */
  readonly endsAtMs: number
  /** Called once, on a turn of its own. */
  readonly ended: (reason: LatchkeyError) => void
}

interface Watch extends TokenToWatch {
  timer: NodeJS.Timeout | undefined
  /** When the last verification that accepted the token began, in milliseconds since this process began. */
  confirmedAtMs: number
  isBeingChecked: boolean
  /** Doubted again while it was being checked. */
  isDoubted: boolean
}

/** A look is due at least so often, whatever is told: a grace period ends by the clock alone. */
const longestRestMs = 60_000

/** For so long a token is looked at again and again once what was known of it is too old; then its watch ends. */
const patienceMs = 1000
const attemptIntervalMs = 250

/** The least time for a look, after this process itself was stalled. */
const leastLookMs = 250

/** Checks begun in one turn when everybody is in doubt, so that requests come in between. */
const sliceSize = 500

const unanswered = () => refusal('store_unavailable')

/** Tokens that something long-lived leans on, such as an open stream: they are verified again whenever they may hold no more. */
export class WatchedTokens {
  readonly #options: WatchedTokensOptions
  readonly #bySubject = new Map<string, Set<Watch>>()
  #stopListening: (() => void) | undefined

  constructor(options: WatchedTokensOptions) {
    this.#options = options
  }

  /** Watches this token until it ends or the function that is given back is called. */
  add(token: TokenToWatch): () => void {
    this.#stopListening ??= this.#options.keys.watch?.((subject, standsForMs) =>
      this.#doubt(subject, performance.now() + (standsForMs ?? 0)),
    )
    const watch: Watch = {
      ...token,
      timer: undefined,
      confirmedAtMs: performance.now(),
      isBeingChecked: false,
      isDoubted: false,
    }
    const { subject } = token.auth
    const siblings = this.#bySubject.get(subject)
    if (siblings === undefined) this.#bySubject.set(subject, new Set([watch]))
    else siblings.add(watch)
    // At once, because it may have ended between its verification and this call.
    void this.#check(watch)
    return () => this.#remove(watch)
  }

  /** Ends every watch without a call. */
  close(): void {
    this.#stopListening?.()
    for (const watch of this.#all()) clearTimeout(watch.timer)
    this.#bySubject.clear()
  }

  /** `standsUntilMs`: when what was known last is too old, in milliseconds since this process began. */
  #doubt(subject: string | undefined, standsUntilMs: number): void {
    if (subject === undefined) void this.#checkAll(standsUntilMs)
    else for (const watch of this.#bySubject.get(subject) ?? []) void this.#check(watch, standsUntilMs)
  }

  async #checkAll(standsUntilMs: number): Promise<void> {
    const watches = this.#all()
    for (let from = 0; from < watches.length; from += sliceSize) {
      for (const watch of watches.slice(from, from + sliceSize)) void this.#check(watch, standsUntilMs)
      await nextTurn()
    }
  }

  async #check(watch: Watch, standsUntilMs = performance.now()): Promise<void> {
    watch.isDoubted = true
    if (watch.isBeingChecked) return
    watch.isBeingChecked = true
    clearTimeout(watch.timer)
    let reason: LatchkeyError | undefined
    while (watch.isDoubted && reason === undefined) {
      watch.isDoubted = false
      reason = await this.#reasonToEnd(watch, standsUntilMs)
    }
    watch.isBeingChecked = false
    if (!this.#isWatched(watch)) return
    if (reason === undefined) this.#rest(watch)
    else this.#end(watch, reason)
  }

  async #reasonToEnd(watch: Watch, standsUntilMs: number): Promise<LatchkeyError | undefined> {
    // A verification accepts what is not too old at its beginning, so a token stands until then at least.
    const giveUpAtMs = Math.max(standsUntilMs, watch.confirmedAtMs) + patienceMs
    for (;;) {
      const beganAtMs = performance.now()
      try {
        const verified = this.#options.verify(watch.token)
        const { grants } =
          verified instanceof Promise
            ? await withDeadline(verified, Math.max(giveUpAtMs - beganAtMs, leastLookMs), unanswered)
            : verified
        if (!isSame(grants, watch.auth.grants)) return new LatchkeyError('grants_changed')
        watch.confirmedAtMs = beganAtMs
        return undefined
      } catch (error) {
        if (!isLatchkeyError(error)) return new LatchkeyError('store_unavailable', { cause: error })
        if (error.status !== 503 || !(performance.now() + attemptIntervalMs < giveUpAtMs)) return error
      }
      await sleep(attemptIntervalMs, undefined, { ref: false })
    }
  }

  #rest(watch: Watch): void {
    const remainingMs = Math.max(watch.endsAtMs - this.#options.nowMs(), 1)
    watch.timer = setTimeout(() => void this.#check(watch), Math.min(remainingMs, longestRestMs)).unref()
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

/** Whether two readings grant the same. The text decides: equal grants are mostly one object, but need not be. */
function isSame(one: Auth['grants'], other: Auth['grants']): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other)
}
