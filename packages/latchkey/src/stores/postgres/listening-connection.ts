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

/** What a listening connection needs besides its client. */
export interface ListeningOptions {
  /** A channel that nobody else uses: its markers need not wake every other process. */
  readonly markerChannel: string
  readonly patienceMs: number
  readonly changed: (change: Change) => void
}

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
  async roundTrip(): Promise<void> {
    const { markerChannel, patienceMs } = this.#options
    this.#markersSent += 1
    const marker = String(this.#markersSent)
    let stop = () => {}
    const heard = new Promise<void>((resolve, reject) => {
      const fail = () =>
        reject(new Error('No notification came back: listening needs a direct connection to PostgreSQL.'))
      // When this process was stalled, the marker may lie in the socket unread: one turn of the loop reads it.
      const overdue = setTimeout(() => setImmediate(fail), patienceMs).unref()
      this.#markerHeard = (payload) => {
        if (payload === marker) resolve()
      }
      this.ended.addEventListener('abort', fail)
      stop = () => {
        clearTimeout(overdue)
        this.ended.removeEventListener('abort', fail)
      }
    })
    const sent = this.#dedicated.client.query({ text: 'select pg_notify($1, $2)', values: [markerChannel, marker] })
    try {
      await Promise.all([sent, heard])
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
