/** The maximum number of key IDs in memory. In a flood the oldest ones are removed. */
const maxKids = 1000

/**
 * Key IDs that a reader of keys did not find.
 *
 * A key ID is unknown only if the keys were read after the arrival of a token with it, because the
 * issuer may have added the key since the last read. Until then the token is refused with 503, not
 * 401.
 */
export class MissingKids {
  /** The number of the first read that decides on the key ID. */
  readonly #settledBy = new Map<string, number>()
  #begun = 0
  #finished = 0

  /** The number of the next read. */
  get nextRead(): number {
    return this.#begun + 1
  }

  /** Starts a read and returns its number. */
  beginRead(): number {
    this.#begun += 1
    return this.#begun
  }

  /** Records the end of a read. */
  endRead(read: number): void {
    this.#finished = read
  }

  /**
   * Records that a token has this key ID, which is not among the keys. Reads before `read` do not
   * decide on it.
   */
  note(kid: string, read: number = this.nextRead): void {
    if (this.#settledBy.has(kid)) return
    const [oldest] = this.#settledBy.keys()
    if (oldest !== undefined && this.#settledBy.size >= maxKids) this.#settledBy.delete(oldest)
    this.#settledBy.set(kid, read)
  }

  /**
   * Returns whether the keys were read after the key ID was recorded. If it is not among them, it
   * is unknown.
   */
  isSettled(kid: string): boolean {
    const read = this.#settledBy.get(kid)
    return read !== undefined && read <= this.#finished
  }
}
