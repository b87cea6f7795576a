import { Readable } from 'node:stream'

/** Events in a row before which the client has not taken the earlier ones. */
const maxDelayed = 5

/** A stream of Server-Sent Events (HTML Living Standard §9.2), as the body of an answer. */
export class EventStream {
  readonly body = new Readable({ read: () => {} })
  #delayed = 0

  constructor(reconnectMs: number) {
    this.body.push(`retry: ${reconnectMs}\n\n`)
  }

  /** Whether nothing can be sent any more. */
  get isClosed(): boolean {
    return this.body.destroyed || this.body.readableEnded
  }

  /**
   * Sends an event. A client that does not read is disconnected, so that events for it do not fill
   * the memory.
   */
  send(event: string, data: object): void {
    if (this.isClosed) return
    this.#delayed = this.body.readableLength === 0 ? 0 : this.#delayed + 1
    if (this.#delayed > maxDelayed) this.body.destroy()
    else this.body.push(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
  }

  /** Ends the answer after the events so far. */
  end(): void {
    if (!this.isClosed) this.body.push(null)
  }
}

/** Headers that keep proxies from storing, changing and buffering a stream. */
export const eventStreamHeaders = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-store, no-transform',
  'X-Accel-Buffering': 'no',
} as const
