/** A connection string whose password may be rotated while the process runs. */
export class ConnectionString {
  readonly #read: () => string
  readonly #isLoginRefused: (error: unknown) => boolean
  #current: string | undefined

  /** `isLoginRefused` returns whether the server has refused the user or the password. */
  constructor(given: string | (() => string), isLoginRefused: (error: unknown) => boolean) {
    this.#isLoginRefused = isLoginRefused
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
    if (!this.#isLoginRefused(error)) return false
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
