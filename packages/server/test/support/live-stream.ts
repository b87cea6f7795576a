import { expect } from 'vitest'

/** An event of GET /v1/admin/live. */
export interface LiveEvent {
  readonly name: string
  readonly data: {
    readonly code: string
    readonly rates: Readonly<Record<string, number>>
    readonly totals: Readonly<Record<string, number>>
    readonly refusals: readonly { readonly kind: string; readonly code: string; readonly rate: number }[]
    readonly processes: readonly {
      readonly id: string
      readonly name: string
      readonly current: boolean
      readonly feed_age_ms: number | null
      readonly seen_ms_ago: number
      readonly deliveries: { readonly count: number; readonly p99_ms: number | null }
    }[]
    readonly process_count: number
    readonly verifiers: number | null
    readonly limits_in_memory: boolean
  }
}

/** An open stream of Server-Sent Events. */
export class LiveStream {
  readonly response: Response
  readonly events: LiveEvent[] = []
  readonly #controller: AbortController
  #hasEnded = false

  private constructor(response: Response, controller: AbortController) {
    this.response = response
    this.#controller = controller
    void this.#read()
  }

  static async open(url: string, headers: Record<string, string>): Promise<LiveStream> {
    const controller = new AbortController()
    const response = await fetch(`${url}/v1/admin/live`, { headers, signal: controller.signal })
    return new LiveStream(response, controller)
  }

  /** Whether the server has ended the stream. */
  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** Waits for an event, from now on, for which this is true. */
  async next(matches: (event: LiveEvent) => boolean): Promise<LiveEvent> {
    const from = this.events.length
    const find = () => this.events.slice(from).find(matches)
    await expect.poll(find, { timeout: 20_000 }).toBeDefined()
    return find() as LiveEvent
  }

  /** Waits for the end. Returns the code of its reason. */
  async end(): Promise<string | undefined> {
    await expect.poll(() => this.#hasEnded, { timeout: 20_000 }).toBe(true)
    return this.events.find(({ name }) => name === 'end')?.data.code
  }

  close(): void {
    this.#controller.abort()
  }

  async #read(): Promise<void> {
    let text = ''
    try {
      for await (const chunk of this.response.body ?? []) {
        text += Buffer.from(chunk).toString()
        const blocks = text.split('\n\n')
        text = blocks.pop() ?? ''
        for (const block of blocks) this.#add(block)
      }
    } catch {
      // Closed by this side, or cut.
    }
    this.#hasEnded = true
  }

  #add(block: string): void {
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1]
    const name = field('event')
    if (name !== undefined) this.events.push({ name, data: JSON.parse(field('data') ?? '{}') })
  }
}
