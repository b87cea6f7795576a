import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import type { Auth } from './auth.js'
import { isLatchkeyError, LatchkeyError } from './errors.js'
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
  isBeingChecked: boolean
  /** Doubted again while it was being checked. */
  isDoubted: boolean
}

/** A look is due at least so often, whatever is told: a grace period ends by the clock alone. */
const longestRestMs = 60_000

/** Looks at a token that nobody can say anything about, before its watch ends. */
const maxAttempts = 4
const attemptIntervalMs = 250

/** Checks begun in one turn when everybody is in doubt, so that requests come in between. */
const sliceSize = 500

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
    this.#stopListening ??= this.#options.keys.watch?.((subject) => this.#doubt(subject))
    const watch: Watch = { ...token, timer: undefined, isBeingChecked: false, isDoubted: false }
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

  #doubt(subject: string | undefined): void {
    if (subject === undefined) void this.#checkAll()
    else for (const watch of this.#bySubject.get(subject) ?? []) void this.#check(watch)
  }

  async #checkAll(): Promise<void> {
    const watches = this.#all()
    for (let from = 0; from < watches.length; from += sliceSize) {
      for (const watch of watches.slice(from, from + sliceSize)) void this.#check(watch)
      await nextTurn()
    }
  }

  async #check(watch: Watch): Promise<void> {
    watch.isDoubted = true
    if (watch.isBeingChecked) return
    watch.isBeingChecked = true
    clearTimeout(watch.timer)
    let reason: LatchkeyError | undefined
    while (watch.isDoubted && reason === undefined) {
      watch.isDoubted = false
      reason = await this.#reasonToEnd(watch)
    }
    watch.isBeingChecked = false
    if (!this.#isWatched(watch)) return
    if (reason === undefined) this.#rest(watch)
    else this.#end(watch, reason)
  }

  async #reasonToEnd({ token, auth }: Watch): Promise<LatchkeyError | undefined> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const { grants } = await this.#options.verify(token)
        return isSame(grants, auth.grants) ? undefined : new LatchkeyError('grants_changed')
      } catch (error) {
        if (!isLatchkeyError(error)) return new LatchkeyError('store_unavailable', { cause: error })
        if (error.status !== 503 || attempt === maxAttempts) return error
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
    queueMicrotask(() => watch.ended(reason))
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
