import type { Instant } from '../../clock.js'
import type { Change, ChangeFeed, ChangeListener } from '../../secrets/ports.js'
import { clearTimeout, setTimeout } from '../../timers.js'
import { type LogPosition, type LogReading, readLog } from './change-log.js'
import type { Dialect } from './dialect.js'
import type { History } from './history.js'
import type { LogHints } from './sql-database.js'

export interface LogFeedOptions {
  readonly history: History
  readonly dialect: Dialect
  /** The mean time between two reads in milliseconds. */
  readonly intervalMs: number
  /** Returns the current instant, or one long ago if a read that begins now must not count. */
  readonly instant: () => Instant
  /** Records that this verifier has acknowledged the request of this number. */
  readonly acknowledge: (request: number) => Promise<void>
}

/** The longest time between two attempts while reads fail. */
const maxRetryMs = 5000

/**
 * Delivers the change log by reading it: at an interval, and at once after `check`.
 *
 * A read begins at an instant and returns every change that was committed before it and was not
 * read before. Once these are delivered, everything in memory is fresh as of that instant (C4). The
 * proof needs no order of messages and no clock of another machine.
 */
export class LogFeed implements ChangeFeed, LogHints {
  readonly #listener: ChangeListener
  readonly #options: LogFeedOptions
  #position: LogPosition | undefined
  #failures = 0
  #isDue = false
  /** Whether data was dropped since the read in progress began. */
  #hasLost = false
  #isClosed = false
  #endPause = () => {}

  constructor(listener: ChangeListener, options: LogFeedOptions) {
    this.#listener = listener
    this.#options = options
  }

  /** Resolves after the first read, from which on every change is delivered. */
  async start(): Promise<void> {
    await this.#read()
    void this.#run()
  }

  /** Reports that all data in memory belongs to another history, and reads that of the new one. */
  restart(): void {
    this.#lose()
    this.check()
  }

  /** Ends what is in memory before the log is read: a hint may be false, but that costs a read. */
  changed(hint: Change): void {
    if (!this.#isClosed) this.#listener.changed(hint)
  }

  check(): void {
    // A read that is in progress may have begun before the change of the caller.
    this.#isDue = true
    this.#endPause()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#endPause()
  }

  async #run(): Promise<void> {
    for (;;) {
      await this.#pause()
      if (this.#isClosed) return
      try {
        await this.#read()
        this.#failures = 0
      } catch {
        // Nothing is proved this time; the next read continues from the same position.
        this.#failures += 1
      }
    }
  }

  /** Waits for the next read. The time varies, so that processes do not read at the same moment. */
  async #pause(): Promise<void> {
    if (this.#isDue || this.#isClosed) return
    const { intervalMs } = this.#options
    const meanMs = Math.max(intervalMs, Math.min(intervalMs * 2 ** this.#failures, maxRetryMs))
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, meanMs * (0.9 + Math.random() * 0.2)).unref()
      this.#endPause = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  async #read(): Promise<void> {
    const { history, dialect, instant, acknowledge } = this.#options
    this.#isDue = false
    this.#hasLost = false
    // Before the statement is sent: it may miss a change that is committed after this moment.
    const asOf = instant()
    const reading = await readLog(history, dialect, this.#position)
    if (this.#isClosed) return
    this.#deliver(reading)
    this.#position = reading.position
    // The instant may rest on a lease that ended with the data, in the history before this one.
    if (this.#hasLost) return this.check()
    this.#listener.proved(asOf)
    // Other processes wait until this one's data is too old if the acknowledgement fails.
    if (reading.request !== undefined) acknowledge(reading.request).catch(() => {})
  }

  #deliver({ isPartial, changes }: LogReading): void {
    if (isPartial) this.#lose()
    for (const change of changes) this.#listener.changed(change)
  }

  #lose(): void {
    this.#hasLost = true
    this.#listener.lost()
  }
}
