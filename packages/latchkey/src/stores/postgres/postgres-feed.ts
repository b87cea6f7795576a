import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { isLatchkeyError } from '../../errors.js'
import type { ChangeListener, WatchOptions } from '../../secrets/ports.js'
import type { RowCheck } from '../sql/history.js'
import type { SqlFeed } from '../sql/sql-database.js'
import { type DedicatedClient, ListeningConnection, type Notify } from './listening-connection.js'
import { questionsChannel } from './postgres-dialect.js'

/** Opens a connection for the feed; the signal aborts the attempt. */
export type ConnectDedicated = (signal: AbortSignal) => Promise<DedicatedClient>

export interface PostgresFeedOptions extends WatchOptions {
  readonly connect: ConnectDedicated
  /**
   * Sends a notification through the pool that statements use, and not on the feed's connection,
   * which may lead to another server.
   */
  readonly notify: Notify
  /** A statement that returns the epoch of the history as `history`. */
  readonly selectEpoch: string
  /** Throws if the epoch is older than one that statements have read. */
  readonly checkEpoch: RowCheck
}

const maxBackoffMs = 5000

/**
 * Delivers the notifications of one listening connection, and replaces the connection when it
 * fails.
 */
export class PostgresFeed implements SqlFeed {
  readonly #listener: ChangeListener
  readonly #options: PostgresFeedOptions
  readonly #ownChannel = `latchkey_verifier_${randomBytes(8).toString('hex')}`
  readonly #stop = new AbortController()
  /** The callbacks that wait for acknowledgements, by question. */
  readonly #asking = new Map<string, (verifierId: string) => void>()
  #questions = 0
  #connection: ListeningConnection | undefined

  private constructor(listener: ChangeListener, options: PostgresFeedOptions) {
    this.#listener = listener
    this.#options = options
  }

  /**
   * Resolves once a notification has arrived through the first connection. Rejects if that
   * connection fails, and with `feed_unheard` if its notifications do not arrive.
   */
  static async start(listener: ChangeListener, options: PostgresFeedOptions): Promise<PostgresFeed> {
    const feed = new PostgresFeed(listener, options)
    try {
      const connection = await feed.#listen()
      await feed.#begin(connection)
      void feed.#run(connection)
      return feed
    } catch (error) {
      await feed.close()
      throw error
    }
  }

  requestAcknowledgements(acknowledge: (verifierId: string) => void): () => void {
    this.#questions += 1
    const question = String(this.#questions)
    this.#asking.set(question, acknowledge)
    // If the question cannot be sent, no acknowledgement arrives.
    this.#options.notify(questionsChannel, `${question} ${this.#ownChannel}`).catch(() => {})
    return () => this.#asking.delete(question)
  }

  reconnect(): void {
    this.#connection?.destroy()
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
    }
  }

  async #proveWhileItLasts(connection: ListeningConnection): Promise<void> {
    const { ended } = connection
    try {
      for (;;) {
        await sleep(this.#options.intervalMs, undefined, { ref: false, signal: ended })
        await this.#prove(connection).catch(ignoreUnsent)
      }
    } catch {
      connection.destroy()
    }
  }

  /** Checks a new connection before the feed relies on it. */
  async #begin(connection: ListeningConnection): Promise<void> {
    await connection.firstRoundTrip(this.#options.notify)
    await this.#prove(connection)
    connection.answerQuestions()
  }

  async #prove(connection: ListeningConnection): Promise<void> {
    const asOf = this.#options.instant()
    await connection.roundTrip(this.#options.notify)
    // A marker of an older history proves nothing about a newer one.
    if (!connection.ended.aborted) this.#listener.proved(asOf)
  }

  /**
   * Returns a new connection, after as many attempts as necessary, or `undefined` once the feed is
   * closed.
   */
  async #reconnect(): Promise<ListeningConnection | undefined> {
    for (let attempt = 0; !this.#stop.signal.aborted; attempt += 1) {
      try {
        // Jitter keeps the processes of one application from reconnecting at the same time.
        const delayMs = Math.random() * Math.min(maxBackoffMs, 100 * 2 ** attempt)
        await sleep(delayMs, undefined, { ref: false, signal: this.#stop.signal })
        const connection = await this.#listen()
        // Changes committed until now may have been missed; from here on every change is received.
        this.#listener.lost()
        await this.#begin(connection)
        return connection
      } catch {
        this.#connection?.destroy()
        // The next attempt waits longer.
      }
    }
    return undefined
  }

  async #listen(): Promise<ListeningConnection> {
    const { signal } = this.#stop
    const connection = await ListeningConnection.open(await this.#options.connect(signal), {
      ownChannel: this.#ownChannel,
      patienceMs: Math.min(Math.max(10 * this.#options.intervalMs, 1000), 10_000),
      changed: (change) => this.#listener.changed(change),
      verifierId: this.#options.verifierId,
      answered: (question, verifierId) => this.#asking.get(question)?.(verifierId),
    })
    try {
      this.#options.checkEpoch(await connection.query(this.#options.selectEpoch))
      this.#connection = connection
      if (!signal.aborted) return connection
      throw new Error('This feed was closed.')
    } catch (error) {
      connection.destroy()
      throw error
    }
  }
}

/**
 * If the marker could not be sent, freshness is not proved this time. Changes are still received.
 */
function ignoreUnsent(error: unknown): void {
  if (!isLatchkeyError(error)) throw error
}
