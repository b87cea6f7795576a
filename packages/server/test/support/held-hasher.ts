import type { Comparison, PasswordHasher } from '../../src/accounts/password-hasher.js'

/** A hasher that finishes each password only when the test says so. */
export class HeldHasher implements PasswordHasher {
  readonly #held: (() => void)[] = []
  running = 0
  isHeld = false
  /** Passwords in the order in which they were processed. */
  readonly order: string[] = []

  async hash(text: string): Promise<string> {
    await this.#work(text)
    return `hash of ${text}`
  }

  async compare(text: string, hashed: string | undefined): Promise<Comparison> {
    await this.#work(text)
    return { matches: hashed === `hash of ${text}`, rehash: false }
  }

  isOutdated(): boolean {
    return false
  }

  /** Finishes all passwords, and holds none from now on. */
  release(): void {
    this.isHeld = false
    for (const go of this.#held.splice(0)) go()
  }

  /** Finishes the oldest held password. */
  finishOne(): void {
    this.#held.shift()?.()
  }

  async #work(text: string): Promise<void> {
    this.order.push(text)
    this.running += 1
    if (this.isHeld) await new Promise<void>((resolve) => this.#held.push(resolve))
    this.running -= 1
  }
}
