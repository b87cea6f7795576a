import type { Change } from '../../secrets/ports.js'
import { performance, sleep } from '../../timers.js'
import type { LogHints, WakeUps } from '../sql/sql-database.js'
import type { PostgresClient } from './postgres-client.js'

/** A connected client that only listens. */
export interface DedicatedClient {
  readonly client: PostgresClient
  /** Ends it at once, without waiting for the other side. */
  destroy(): void
  /** Lets the process end although the connection is open. */
  unref(): void
}

/** Opens a connection that only listens; the signal aborts the attempt. */
export type ConnectDedicated = (signal: AbortSignal) => Promise<DedicatedClient>

export interface PostgresWakeUpsOptions {
  readonly connect: ConnectDedicated
  /** The channel of the notifications. */
  readonly channel: string
  readonly hints: LogHints
  /**
   * Called when a notification has arrived while the connection was idle. A pooler that assigns
   * connections per transaction delivers none then.
   */
  readonly arrived: () => void
}

/** The longest pause between two attempts to connect. */
const maxBackoffMs = 30_000

/** Milliseconds between two statements that show whether the connection still works. */
const pingMs = 30_000

const patienceMs = 5000

/**
 * Listens for notifications of the change log, and connects again when its connection fails. They
 * are hints: a database or a pooler that delivers none delays changes by the interval of the feed,
 * and loses nothing.
 */
export class PostgresWakeUps implements WakeUps {
  readonly #options: PostgresWakeUpsOptions
  readonly #stop = new AbortController()
  #connection: DedicatedClient | undefined
  #isPinging = false

  private constructor(options: PostgresWakeUpsOptions) {
    this.#options = options
  }

  /** Starts to connect, without waiting for it. */
  static start(options: PostgresWakeUpsOptions): PostgresWakeUps {
    const wakeUps = new PostgresWakeUps(options)
    void wakeUps.#run()
    return wakeUps
  }

  reconnect(): void {
    this.#connection?.destroy()
  }

  close(): void {
    this.#stop.abort()
    this.#connection?.destroy()
  }

  async #run(): Promise<void> {
    for (let failures = 0; !this.#stop.signal.aborted; failures += 1) {
      const startedAt = performance.now()
      await this.#listen().catch(() => {})
      if (performance.now() - startedAt > maxBackoffMs) failures = 0
      // Jitter keeps the processes of one application from reconnecting at the same time.
      const delayMs = Math.random() * Math.min(maxBackoffMs, 100 * 2 ** failures)
      await sleep(delayMs, undefined, { ref: false, signal: this.#stop.signal }).catch(() => {})
    }
  }

  /** Listens on one connection until it ends. */
  async #listen(): Promise<void> {
    const { signal } = this.#stop
    const connection = await this.#options.connect(signal)
    const end = new AbortController()
    const finish = () => {
      if (end.signal.aborted) return
      end.abort()
      connection.destroy()
    }
    this.#connection = { ...connection, destroy: finish }
    const { client } = connection
    client.on('error', finish)
    client.on('end', finish)
    client.on('notification', ({ payload = '' }) => {
      if (!this.#isPinging) this.#options.arrived()
      const change = changeIn(payload)
      if (change === undefined) this.#options.hints.check()
      else this.#options.hints.changed(change)
    })
    try {
      if (signal.aborted) return
      await client.query({ text: `listen ${this.#options.channel}`, query_timeout: patienceMs })
      connection.unref()
      // A change that was committed before has not woken this process.
      this.#options.hints.check()
      for (;;) {
        await sleep(pingMs, undefined, { ref: false, signal: end.signal })
        this.#isPinging = true
        await client.query({ text: 'select 1', query_timeout: patienceMs })
        this.#isPinging = false
      }
    } finally {
      this.#isPinging = false
      finish()
    }
  }
}

/** Parses `number tenant`. Returns `undefined` for any other text. */
function changeIn(payload: string): Change | undefined {
  const space = payload.indexOf(' ')
  const version = Number(payload.slice(0, space))
  return space > 0 && Number.isSafeInteger(version) ? { tenant: payload.slice(space + 1), version } : undefined
}
