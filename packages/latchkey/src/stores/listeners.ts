import type { Change, ChangeListener } from '../secrets/ports.js'

/** The listeners of this process that watch one store. */
export class Listeners {
  readonly #listeners = new Set<ChangeListener>()

  add(listener: ChangeListener): void {
    this.#listeners.add(listener)
  }

  delete(listener: ChangeListener): void {
    this.#listeners.delete(listener)
  }

  /**
   * Reports committed changes at once, so that a verifier of this process is never behind a change
   * that its own process has acknowledged.
   */
  publish(changes: readonly Change[]): void {
    for (const listener of this.#listeners) {
      for (const change of changes) listener.changed(change)
    }
  }
}
