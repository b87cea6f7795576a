import { sqlStateOf } from './postgres-failure.js'

/** A connection string whose password may be rotated while the process runs. */
export class ConnectionString {
  readonly #read: () => string
  #current: string | undefined

  constructor(given: string | (() => string)) {
    this.#read = typeof given === 'function' ? given : () => given
  }

  /** Returns the connection string that was read last. */
  get current(): string {
    this.#current ??= this.#read()
    return this.#current
  }

  /**
   * Returns whether the connection string has changed since the one that failed with this error. It
   * is read again if the server refused the login; if that read fails, the known one stays.
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

/** SQLSTATE class 28: wrong password, unknown role, or a role that may not log in. */
function isLoginRefused(error: unknown): boolean {
  return sqlStateOf(error)?.startsWith('28') === true
}
