/** Something that happens at a moment of simulated time; gives the moment at which it goes on, or nothing when it is over. */
export type Actor = (nowMs: number) => Promise<number | undefined>

/** Time that moves only from one event to the next. */
export class Simulation {
  #nowMs: number
  readonly #events: { readonly atMs: number; readonly order: number; readonly actor: Actor }[] = []

  constructor(startMs: number) {
    this.#nowMs = startMs
  }

  get nowMs(): number {
    return this.#nowMs
  }

  /** Lets an actor begin. Of those who act at the same moment the lower `order` comes first. */
  enter(atMs: number, order: number, actor: Actor): void {
    this.#events.push({ atMs, order, actor })
  }

  /** Runs until that moment. */
  async run(untilMs: number): Promise<void> {
    for (;;) {
      this.#events.sort((one, other) => one.atMs - other.atMs || one.order - other.order)
      const next = this.#events[0]
      if (next === undefined || next.atMs >= untilMs) return
      this.#events.shift()
      this.#nowMs = next.atMs
      const again = await next.actor(this.#nowMs)
      if (again !== undefined) this.enter(Math.max(again, this.#nowMs), next.order, next.actor)
    }
  }
}
