import { Keyring } from 'latchkey'

/**
 * A secret that is mixed into every password hash and is not in the database, so that the passwords
 * of a stolen database cannot be guessed without it.
 */
export interface Pepper {
  readonly id: string
  readonly key: Uint8Array
}

/** The peppers by ID, newest first. The newest one is for new hashes. */
export class Peppers {
  readonly #peppers: ReadonlyMap<string, Pepper>

  private constructor(peppers: readonly Pepper[]) {
    this.#peppers = new Map(peppers.map((pepper) => [pepper.id, pepper]))
  }

  /**
   * Parses `id:base64url,id:base64url` with 32-byte keys, newest first: the format of master keys.
   * `undefined`: no peppers. Throws a TypeError.
   */
  static parse(text: string | undefined): Peppers {
    if (text === undefined) return new Peppers([])
    // Its errors name the entry that is wrong, but never contain a key.
    Keyring.parse(text)
    const entries = text.split(',').map((entry) => entry.trim().split(':'))
    return new Peppers(entries.map(([id = '', key = '']) => ({ id, key: Buffer.from(key, 'base64url') })))
  }

  /** The pepper for new hashes. */
  get newest(): Pepper | undefined {
    return this.#peppers.values().next().value
  }

  get ids(): readonly string[] {
    return [...this.#peppers.keys()]
  }

  /** Returns the pepper with this ID. */
  find(id: string): Pepper | undefined {
    return this.#peppers.get(id)
  }
}
