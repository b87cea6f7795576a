import { randomBytes } from 'node:crypto'
import { LatchkeyError } from '../../errors.js'
import type { Change } from '../../secrets/ports.js'
import type { PostgresClient, PostgresNotification } from './postgres-client.js'
import { changesChannel, questionsChannel } from './postgres-dialect.js'

/** A connected client that belongs to the feed alone. */
export interface DedicatedClient {
  readonly client: PostgresClient
  /** Ends it at once, without waiting for the other side. */
  destroy(): void
  /** From now on the connection does not keep the process alive. */
  unref(): void
}

/** Notifies a channel, in a transaction of its own. */
export type Notify = (channel: string, payload: string) => Promise<void>

/** What a listening connection needs besides its client. */
export interface ListeningOptions {
  /** A channel that nobody else listens on: its markers and answers are for this process alone. */
  readonly ownChannel: string
  /** The deadline of each step, in milliseconds: a connection on which one takes longer is destroyed. */
  readonly patienceMs: number
  readonly changed: (change: Change) => void
  /** Whom this connection answers for. */
  readonly verifierId: string
  /** This verifier has heard of everything that was committed before the question. */
  readonly answered: (question: string, verifierId: string) => void
}

const overdue = new Error('A marker did not come back in time.')

/** One connection on which changes are heard, and markers that were sent through it. */
export class ListeningConnection {
  readonly #dedicated: DedicatedClient
  readonly #options: ListeningOptions
  readonly #end = new AbortController()
  #markerHeard: (marker: string) => void = () => {}
  #mayAnswer = false
  #lastSent = Promise.resolve()

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
      // Answers are transactions too, but none is needed after a crash: they do not wait for the disk.
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

  /** Runs one statement on this connection, and returns its rows. */
  async query(text: string): Promise<readonly object[]> {
    const { rows } = await this.#dedicated.client.query({ text, query_timeout: this.#options.patienceMs })
    return rows
  }

  /**
   * Has a marker sent by the way that statements go, and resolves once it has come here. PostgreSQL delivers notifications in the order of commits, so by then every
   * change has been heard that was committed before this call on the server that statements reach; a marker sent on another server does not come. Rejects
   * with what `notify` rejects with, and when the connection ends or the marker is overdue.
   */
  async roundTrip(notify: Notify): Promise<void> {
    const { ownChannel, patienceMs } = this.#options
    // Random, so that a late marker of an earlier attempt or connection is not taken for this one.
    const marker = randomBytes(8).toString('hex')
    const end = new AbortController()
    const heard = new Promise<void>((resolve, reject) => {
      this.#markerHeard = (payload) => {
        if (payload === marker) resolve()
      }
      const fail = () => reject(new Error('The listening connection has ended.'))
      this.ended.addEventListener('abort', fail, { signal: end.signal })
      if (this.ended.aborted) fail()
    })
    try {
      // Both, within one deadline: only the answer of `notify` says that the marker is of the newest history.
      await within(patienceMs, Promise.all([notify(ownChannel, marker), heard]))
    } finally {
      end.abort()
    }
  }

  /**
   * The same for the first marker: a pooler in transaction mode may well give back what a connection has sent itself, but it passes on nothing to a connection
   * that is idle. Rejects with `feed_unheard` when the marker was sent and does not come.
   */
  async hearFirst(notify: Notify): Promise<void> {
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

  /** Says from now on, to whoever asks, that it has heard of everything. Only when its listener has nothing from before this connection. */
  answerQuestions(): void {
    this.#mayAnswer = true
  }

  /** What was announced before a question has been heard before it, so that the answer is the question's coming here. */
  #answer(question: string, channel: string): void {
    const { ownChannel, verifierId } = this.#options
    if (!this.#mayAnswer) return
    // The own question comes back behind everything announced before it, so it needs no second notification.
    if (channel === ownChannel) this.#options.answered(question, verifierId)
    else this.#notify(channel, `${question} ${verifierId}`).catch(() => {})
  }

  /** One at a time, as a connection wants it. */
  #notify(channel: string, payload: string): Promise<void> {
    const sent = this.#lastSent.then(async () => {
      await this.#dedicated.client.query({ text: 'select pg_notify($1, $2)', values: [channel, payload] })
    })
    this.#lastSent = sent.catch(() => {})
    return sent
  }

  #hear({ channel, payload = '' }: PostgresNotification): void {
    const space = payload.indexOf(' ')
    const [first, rest] = [payload.slice(0, space), payload.slice(space + 1)]
    if (channel === changesChannel) this.#options.changed({ tenant: rest, version: Number(first) })
    else if (channel === questionsChannel) this.#answer(first, rest)
    else if (space === -1) this.#markerHeard(payload)
    else this.#options.answered(first, rest)
  }
}

/** Rejects with `overdue` when it takes longer. */
function within(patienceMs: number, heard: Promise<unknown>): Promise<unknown> {
  return new Promise((resolve, reject) => {
    // When this process was stalled, the marker may lie in the socket unread: one turn of the loop reads it.
    const timer = setTimeout(() => setImmediate(() => reject(overdue)), patienceMs).unref()
    heard.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
