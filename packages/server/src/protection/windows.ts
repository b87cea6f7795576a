/** The requests of one key in its current window. */
export interface Window {
  used: number
  /** The end of the window, in milliseconds of the monotonic clock. */
  endsAtMs: number
}

/**
 * Windows in the memory of this process, by key. A full map forgets the window that began first,
 * which is among the next to end, so that requests from many addresses cannot fill the memory.
 */
export class Windows {
  readonly #windows = new Map<string, Window>()
  readonly #capacity: number

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /** Returns the current window of the key; `undefined` if there is none or it has ended. */
  get(key: string, nowMs: number): Window | undefined {
    const window = this.#windows.get(key)
    return window !== undefined && nowMs < window.endsAtMs ? window : undefined
  }

  /** Replaces the window of the key. */
  set(key: string, window: Window): void {
    // Deleted first, because the map keeps the order of insertion.
    this.#windows.delete(key)
    if (this.#windows.size >= this.#capacity) {
      const [oldest] = this.#windows.keys()
      if (oldest !== undefined) this.#windows.delete(oldest)
    }
    this.#windows.set(key, window)
  }

  /** Counts one request in the current window of the key, or in a new one, and returns it. */
  count(key: string, windowMs: number, nowMs: number): Window {
    const window = this.get(key, nowMs)
    if (window !== undefined) {
      window.used += 1
      return window
    }
    const begun = { used: 1, endsAtMs: nowMs + windowMs }
    this.set(key, begun)
    return begun
  }
}
