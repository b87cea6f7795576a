import type { Change, ChangeListener } from '../secrets/ports.js'

/** Everybody of this process who watches one store. */
export class Listeners {
  readonly #listeners = new Set<ChangeListener>()

  add(listener: ChangeListener): void {
    this.#listeners.add(listener)
  }

  delete(listener: ChangeListener): void {
    this.#listeners.delete(listener)
  }

  /** Tells what was committed, so that no verifier of this process lags behind a change that its own process acknowledged. */
  tell(changes: readonly Change[]): void {
    for (const listener of this.#listeners) {
      for (const change of changes) listener.changed(change)
    }
  }

  /** Says that changes may have been missed. */
  lost(): void {
    for (const listener of this.#listeners) listener.lost()
  }
}
