import { LatchkeyError } from '../../errors.js'
import type { Change } from '../../secrets/ports.js'
import type { PostgresClient, PostgresNotification } from './postgres-client.js'
import { changesChannel } from './postgres-dialect.js'

/** A connected client that belongs to the feed alone. */
export interface DedicatedClient {
  readonly client: PostgresClient
  /** Ends it at once, without waiting for the other side. */
  destroy(): void
  /** From now on the connection does not keep the process alive. */
  unref(): void
}

/** Notifies the channel of the marker, in a transaction of its own. */
export type SendMarker = (channel: string, marker: string) => Promise<void>

/** What a listening connection needs besides its client. */
export interface ListeningOptions {
  /** A channel that nobody else uses: its markers need not wake every other process. */
  readonly markerChannel: string
  readonly patienceMs: number
  readonly changed: (change: Change) => void
}

const overdue = new Error('A marker did not come back in time.')

/** One connection on which changes are heard, and markers that were sent through it. */
export class ListeningConnection {
  readonly #dedicated: DedicatedClient
  readonly #options: ListeningOptions
  readonly #end = new AbortController()
  #markersSent = 0
  #markerHeard: (marker: string) => void = () => {}

  private constructor(dedicated: DedicatedClient, options: ListeningOptions) {
    this.#dedicated = dedicated
    this.#options = options
  }

  /** Resolves when every change committed from now on will be heard. */
  static async open(dedicated: DedicatedClient, options: ListeningOptions): Promise<ListeningConnection> {
    const connection = new ListeningConnection(dedicated, options)
    const { client } = dedicated
    client.on('error', () => connection.destroy())
    client.on('end', () => connection.destroy())
    client.on('notification', (message) => connection.#hear(message))
    try {
      // Markers are transactions too, but nobody needs them after a crash: they do not wait for the disk.
      await client.query({
        text: `set synchronous_commit to off; listen ${changesChannel}; listen ${options.markerChannel}`,
        query_timeout: options.patienceMs,
      })
      return connection
    } catch (error) {
      connection.destroy()
      throw error
    }
  }

  /** Aborted once the connection has ended. */
  get ended(): AbortSignal {
    return this.#end.signal
  }

  destroy(): void {
    if (this.ended.aborted) return
    this.#end.abort()
    this.#dedicated.destroy()
  }

  unref(): void {
    this.#dedicated.unref()
  }

  /**
   * Sends a marker and resolves when it comes back. PostgreSQL delivers notifications in the order of commits, so by then every
   * change committed before this call has been heard. Rejects when the connection ends or the marker is overdue.
   */
  roundTrip(): Promise<void> {
    return this.#roundTripBy(async (channel, marker) => {
      await this.#dedicated.client.query({ text: 'select pg_notify($1, $2)', values: [channel, marker] })
    })
  }

  /**
   * The same with a marker that somebody else sends, while this connection is idle: what a pooler in transaction mode passes on to nobody, although it may
   * well give back what this connection has sent itself. Fails with `feed_unheard` when it does not come.
   */
  async hearFromOthers(sendMarker: SendMarker): Promise<void> {
    try {
      await this.#roundTripBy(sendMarker)
    } catch (error) {
      throw error === overdue ? new LatchkeyError('feed_unheard') : error
    }
  }

  async #roundTripBy(sendMarker: SendMarker): Promise<void> {
    const { markerChannel, patienceMs } = this.#options
    this.#markersSent += 1
    const marker = String(this.#markersSent)
    let stop = () => {}
    const heard = new Promise<void>((resolve, reject) => {
      const end = () => reject(new Error('The listening connection has ended.'))
      // When this process was stalled, the marker may lie in the socket unread: one turn of the loop reads it.
      const timer = setTimeout(() => setImmediate(() => reject(overdue)), patienceMs).unref()
      this.#markerHeard = (payload) => {
        if (payload === marker) resolve()
      }
      this.ended.addEventListener('abort', end)
      stop = () => {
        clearTimeout(timer)
        this.ended.removeEventListener('abort', end)
      }
    })
    try {
      await Promise.all([sendMarker(markerChannel, marker), heard])
    } finally {
      stop()
    }
  }

  #hear({ channel, payload = '' }: PostgresNotification): void {
    if (channel === this.#options.markerChannel) {
      this.#markerHeard(payload)
      return
    }
    const space = payload.indexOf(' ')
    this.#options.changed({ tenant: payload.slice(space + 1), version: Number(payload.slice(0, space)) })
  }
}
