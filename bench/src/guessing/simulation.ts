/** Acts at a moment of simulated time. Returns the moment of its next action, if there is one. */
export type Actor = (nowMs: number) => Promise<number | undefined>

/** A clock that moves from one event to the next. */
export class Simulation {
  #nowMs: number
  readonly #events: { readonly atMs: number; readonly order: number; readonly actor: Actor }[] = []

  constructor(startMs: number) {
    this.#nowMs = startMs
  }

  get nowMs(): number {
    return this.#nowMs
  }

  /** Schedules an actor. Of actors at the same moment the one with the lower `order` acts first. */
  schedule(atMs: number, order: number, actor: Actor): void {
    this.#events.push({ atMs, order, actor })
  }

  /** Runs all events before that moment. */
  async run(untilMs: number): Promise<void> {
    for (;;) {
      this.#events.sort((one, other) => one.atMs - other.atMs || one.order - other.order)
      const next = this.#events[0]
      if (next === undefined || next.atMs >= untilMs) return
      this.#events.shift()
      this.#nowMs = next.atMs
      const again = await next.actor(this.#nowMs)
      if (again !== undefined) this.schedule(Math.max(again, this.#nowMs), next.order, next.actor)
    }
  }
}
