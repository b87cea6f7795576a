import { Keyring } from 'latchkey'

/** A secret that is hashed along with every password, and is kept where a copy of the database does not reach. */
export interface Pepper {
  readonly id: string
  readonly key: Uint8Array
}

/** Peppers by ID; the first is for new hashes, all of them are for old ones. */
export class Peppers {
  readonly #peppers: ReadonlyMap<string, Pepper>

  private constructor(peppers: readonly Pepper[]) {
    this.#peppers = new Map(peppers.map((pepper) => [pepper.id, pepper]))
  }

  /** Reads what master keys are written like: `id:base64url,id:base64url` of 32-byte keys, newest first. `undefined`: none. Throws a TypeError. */
  static parse(text: string | undefined): Peppers {
    if (text === undefined) return new Peppers([])
    // Says what is wrong with an entry, and never what it holds.
    Keyring.parse(text)
    const entries = text.split(',').map((entry) => entry.trim().split(':'))
    return new Peppers(entries.map(([id = '', key = '']) => ({ id, key: Buffer.from(key, 'base64url') })))
  }

  /** The one for new hashes. */
  get newest(): Pepper | undefined {
    return this.#peppers.values().next().value
  }

  get ids(): readonly string[] {
    return [...this.#peppers.keys()]
  }

  /** The one with this ID. */
  find(id: string): Pepper | undefined {
    return this.#peppers.get(id)
  }
}
