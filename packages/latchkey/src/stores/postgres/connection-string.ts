import { sqlStateOf } from './postgres-failure.js'

/** The connection string, as it is now: its password may have been rotated since it was read. */
export class ConnectionString {
  readonly #read: () => string
  #current: string | undefined

  constructor(given: string | (() => string)) {
    this.#read = typeof given === 'function' ? given : () => given
  }

  /** Returns the one that was read last. */
  get current(): string {
    this.#current ??= this.#read()
    return this.#current
  }

  /**
   * Returns whether there is another one by now than the one that the server has answered with this error. It is read again when
   * the login was refused; where that fails, the known one stays.
   */
  hasChanged(used: string, error: unknown): boolean {
    if (!isLoginRefused(error)) return false
    if (this.#current === used) {
      try {
        this.#current = this.#read()
      } catch {
        return false
      }
    }
    return this.#current !== used
  }
}

/** Wrong password, unknown role, or one that may not connect. */
function isLoginRefused(error: unknown): boolean {
  return sqlStateOf(error)?.startsWith('28') === true
}
