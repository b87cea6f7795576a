import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ChangeFeed, ChangeListener, WatchOptions } from '../../secrets/ports.js'
import { type DedicatedClient, ListeningConnection } from './listening-connection.js'

/** Connects for the feed alone; the signal ends the attempt. */
export type ConnectDedicated = (signal: AbortSignal) => Promise<DedicatedClient>

const maxBackoffMs = 5000

/** Tells what is announced on one listening connection, and replaces that connection whenever it fails. */
export class PostgresFeed implements ChangeFeed {
  readonly #connect: ConnectDedicated
  readonly #listener: ChangeListener
  readonly #options: WatchOptions
  readonly #markerChannel = `latchkey_marker_${randomBytes(8).toString('hex')}`
  readonly #stop = new AbortController()
  #connection: ListeningConnection | undefined

  private constructor(connect: ConnectDedicated, listener: ChangeListener, options: WatchOptions) {
    this.#connect = connect
    this.#listener = listener
    this.#options = options
  }

  /** Resolves once a notification has come all the way; rejects if the first connection fails. */
  static async start(
    connect: ConnectDedicated,
    listener: ChangeListener,
    options: WatchOptions,
  ): Promise<PostgresFeed> {
    const feed = new PostgresFeed(connect, listener, options)
    const connection = await feed.#listen()
    try {
      await feed.#prove(connection)
    } catch (error) {
      await feed.close()
      throw error
    }
    void feed.#run(connection)
    return feed
  }

  async close(): Promise<void> {
    this.#stop.abort()
    this.#connection?.destroy()
  }

  async #run(first: ListeningConnection): Promise<void> {
    let connection: ListeningConnection | undefined = first
    while (connection !== undefined) {
      connection.unref()
      await this.#proveWhileItLasts(connection)
      connection = await this.#reconnect()
      if (connection !== undefined) this.#listener.lost()
    }
  }

  async #proveWhileItLasts(connection: ListeningConnection): Promise<void> {
    const { ended } = connection
    try {
      for (;;) {
        await sleep(this.#options.intervalMs, undefined, { ref: false, signal: ended })
        await this.#prove(connection)
      }
    } catch {
      connection.destroy()
    }
  }

  async #prove(connection: ListeningConnection): Promise<void> {
    const asOf = this.#options.instant()
    await connection.roundTrip()
    this.#listener.proved(asOf)
  }

  /** A new connection, after as many attempts as it takes; `undefined` once the feed is closed. */
  async #reconnect(): Promise<ListeningConnection | undefined> {
    for (let attempt = 0; !this.#stop.signal.aborted; attempt += 1) {
      try {
        // Jitter keeps the processes of one application from coming back in step.
        const delayMs = Math.random() * Math.min(maxBackoffMs, 100 * 2 ** attempt)
        await sleep(delayMs, undefined, { ref: false, signal: this.#stop.signal })
        return await this.#listen()
      } catch {
        // The next attempt waits longer.
      }
    }
    return undefined
  }

  async #listen(): Promise<ListeningConnection> {
    const { signal } = this.#stop
    this.#connection = await ListeningConnection.open(await this.#connect(signal), {
      markerChannel: this.#markerChannel,
      patienceMs: Math.min(Math.max(10 * this.#options.intervalMs, 1000), 10_000),
      changed: (change) => this.#listener.changed(change),
    })
    if (signal.aborted) this.#connection.destroy()
    return this.#connection
  }
}
