/** Most kids that are remembered: those of a flood push each other out. */
const maxKids = 1000

/**
 * Kids that a reader of keys did not find.
 *
 * A kid is unknown only once the keys have been read after a token named it: before that the issuer
 * may have added it since the last read. Until then the answer is 503, not 401.
 */
export class MissingKids {
  /** The first read whose answer settles the kid, by its number. */
  readonly #settledBy = new Map<string, number>()
  #begun = 0
  #answered = 0

  /** The number of the next read. */
  get nextRead(): number {
    return this.#begun + 1
  }

  /** Returns the number of the read that begins now. */
  beginRead(): number {
    this.#begun += 1
    return this.#begun
  }

  /** Records that the read of this number was answered. */
  endRead(read: number): void {
    this.#answered = read
  }

  /**
   * Records that a token names this kid, which is not among the keys. Only a read from `read` on
   * settles it.
   */
  note(kid: string, read: number = this.nextRead): void {
    if (this.#settledBy.has(kid)) return
    const [oldest] = this.#settledBy.keys()
    if (oldest !== undefined && this.#settledBy.size >= maxKids) this.#settledBy.delete(oldest)
    this.#settledBy.set(kid, read)
  }

  /**
   * Returns whether the keys were read after the kid was noted: when it is not among them, it is
   * unknown.
   */
  isSettled(kid: string): boolean {
    const read = this.#settledBy.get(kid)
    return read !== undefined && read <= this.#answered
  }
}
