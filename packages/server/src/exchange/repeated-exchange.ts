import type { Auth, Clock, MaybePromise } from 'latchkey'
import type { ExchangedToken, TokenExchange } from './token-exchange.js'

/** The time for which a token is returned again, so that most of its five minutes are left. */
const repeatMs = 60_000

interface Kept {
  readonly token: ExchangedToken
  /** Milliseconds since 1970. */
  readonly until: number
}

/**
 * Exchanges the same token repeatedly, for proxies that send every request. The exchanged token is
 * stored with the verified identity in a `WeakMap`. A revoked token is not verified again, so that
 * its identity is not used any more.
 */
export class RepeatedExchange {
  readonly #exchange: TokenExchange
  readonly #clock: Clock
  readonly #kept = new WeakMap<Auth, Map<string, Kept>>()

  constructor(exchange: TokenExchange, clock: Clock) {
    this.#exchange = exchange
    this.#clock = clock
  }

  /**
   * Returns a token as `exchangeVerified` does, and throws as it does. `addressOf` is called when a
   * token is signed.
   */
  tokenFor(subject: Auth, audience: string, addressOf: () => string): MaybePromise<ExchangedToken> {
    const known = this.#kept.get(subject)?.get(audience)
    if (known !== undefined && this.#clock.now() < known.until) return known.token
    const token = this.#exchange.exchangeVerified(subject, audience, addressOf())
    return token instanceof Promise
      ? token.then((signed) => this.#keep(subject, audience, signed))
      : this.#keep(subject, audience, token)
  }

  #keep(subject: Auth, audience: string, token: ExchangedToken): ExchangedToken {
    const byAudience = this.#kept.get(subject) ?? new Map<string, Kept>()
    byAudience.set(audience, { token, until: this.#clock.now() + repeatMs })
    this.#kept.set(subject, byAudience)
    return token
  }
}
