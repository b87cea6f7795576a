import { randomBytes } from 'node:crypto'
import { LatchkeyError } from '../../errors.js'
import type { Change } from '../../secrets/ports.js'
import type { PostgresClient, PostgresNotification } from './postgres-client.js'
import { changesChannel, questionsChannel } from './postgres-dialect.js'

/** A connected client that only the feed uses. */
export interface DedicatedClient {
  readonly client: PostgresClient
  /** Ends it at once, without waiting for the other side. */
  destroy(): void
  /** Lets the process end although the connection is open. */
  unref(): void
}

/** Sends a notification to a channel, in its own transaction. */
export type Notify = (channel: string, payload: string) => Promise<void>

/** Options of a listening connection. */
export interface ListeningOptions {
  /** A channel of this process, for its markers and the acknowledgements sent to it. */
  readonly ownChannel: string
  /** The timeout of each step, in milliseconds. After a timeout the connection is destroyed. */
  readonly patienceMs: number
  readonly changed: (change: Change) => void
  /** The verifier for which this connection acknowledges. */
  readonly verifierId: string
  /** Called when a verifier has received every change committed before the question. */
  readonly answered: (question: string, verifierId: string) => void
}

const overdue = new Error('A marker did not arrive in time.')

/** One connection that receives changes, markers and questions by `LISTEN`. */
export class ListeningConnection {
  readonly #dedicated: DedicatedClient
  readonly #options: ListeningOptions
  readonly #end = new AbortController()
  #markerReceived: (marker: string) => void = () => {}
  #mayAnswer = false
  #lastSent = Promise.resolve()

  private constructor(dedicated: DedicatedClient, options: ListeningOptions) {
    this.#dedicated = dedicated
    this.#options = options
  }

  /** Resolves once every change committed from now on will be received. */
  static async open(dedicated: DedicatedClient, options: ListeningOptions): Promise<ListeningConnection> {
    const connection = new ListeningConnection(dedicated, options)
    const { client } = dedicated
    client.on('error', () => connection.destroy())
    client.on('end', () => connection.destroy())
    client.on('notification', (message) => connection.#receive(message))
    try {
      // Acknowledgements are transactions too, but a crash may lose them: they do not wait for the
      // disk.
      await client.query({
        text: `set synchronous_commit to off; listen ${changesChannel}; listen ${questionsChannel}; listen ${options.ownChannel}`,
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

  /** Runs one statement on this connection and returns its rows. */
  async query(text: string): Promise<readonly object[]> {
    const { rows } = await this.#dedicated.client.query({ text, query_timeout: this.#options.patienceMs })
    return rows
  }

  /**
   * Sends a marker through the pool that statements use, and resolves once this connection has
   * received the marker. PostgreSQL delivers notifications in commit order, so every change that
   * was committed on that server before this call has then been received. A marker sent on another
   * server does not arrive. Rejects with the error of `notify`, and if the connection ends or the
   * marker times out.
   */
  async roundTrip(notify: Notify): Promise<void> {
    const { ownChannel, patienceMs } = this.#options
    // Random, so that a late marker of an earlier attempt or connection does not count.
    const marker = randomBytes(8).toString('hex')
    const end = new AbortController()
    const received = new Promise<void>((resolve, reject) => {
      this.#markerReceived = (payload) => {
        if (payload === marker) resolve()
      }
      const fail = () => reject(new Error('The listening connection has ended.'))
      this.ended.addEventListener('abort', fail, { signal: end.signal })
      if (this.ended.aborted) fail()
    })
    try {
      // Waits for both: only the result of `notify` shows that the marker belongs to the newest
      // history.
      await within(patienceMs, Promise.all([notify(ownChannel, marker), received]))
    } finally {
      end.abort()
    }
  }

  /**
   * Does a round trip on a new connection. A pooler in transaction mode may deliver the
   * notifications that a connection sends itself, but none to an idle connection. Rejects with
   * `feed_unheard` if the marker was sent and does not arrive.
   */
  async firstRoundTrip(notify: Notify): Promise<void> {
    let hasBeenSent = false
    try {
      await this.roundTrip(async (channel, marker) => {
        await notify(channel, marker)
        hasBeenSent = true
      })
    } catch (error) {
      throw error === overdue && hasBeenSent ? new LatchkeyError('feed_unheard') : error
    }
  }

  /**
   * Acknowledges questions from now on. Call this only when the listener has dropped all state from
   * before this connection.
   */
  answerQuestions(): void {
    this.#mayAnswer = true
  }

  /**
   * Notifications arrive in order, so every change announced before the question has been received.
   */
  #answer(question: string, channel: string): void {
    const { ownChannel, verifierId } = this.#options
    if (!this.#mayAnswer) return
    // The question of this process needs no second notification: its own arrival is the
    // acknowledgement.
    if (channel === ownChannel) this.#options.answered(question, verifierId)
    else this.#notify(channel, `${question} ${verifierId}`).catch(() => {})
  }

  /** Sends one statement at a time: a connection runs no two at once. */
  #notify(channel: string, payload: string): Promise<void> {
    const sent = this.#lastSent.then(async () => {
      await this.#dedicated.client.query({ text: 'select pg_notify($1, $2)', values: [channel, payload] })
    })
    this.#lastSent = sent.catch(() => {})
    return sent
  }

  #receive({ channel, payload = '' }: PostgresNotification): void {
    const space = payload.indexOf(' ')
    const [first, rest] = [payload.slice(0, space), payload.slice(space + 1)]
    if (channel === changesChannel) this.#options.changed({ tenant: rest, version: Number(first) })
    else if (channel === questionsChannel) this.#answer(first, rest)
    else if (space === -1) this.#markerReceived(payload)
    else this.#options.answered(first, rest)
  }
}

/** Rejects with `overdue` after the timeout. */
function within(patienceMs: number, received: Promise<unknown>): Promise<unknown> {
  return new Promise((resolve, reject) => {
    // If this process was stalled, the marker may be unread in the socket: one turn of the event
    // loop reads it.
    const timer = setTimeout(() => setImmediate(() => reject(overdue)), patienceMs).unref()
    received.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
