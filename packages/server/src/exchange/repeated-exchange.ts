import type { Auth, Clock, MaybePromise } from 'latchkey'
import type { ExchangedToken, TokenExchange } from './token-exchange.js'

/** For so long a token is given again: whoever gets it last has most of its five minutes left. */
const repeatMs = 60_000

interface Kept {
  readonly token: ExchangedToken
  /** Milliseconds since 1970. */
  readonly until: number
}

/**
 * Exchanges for whoever asks at every request. What was signed is kept beside the verified identity itself, and so is let go with it: a token that is
 * revoked is not verified any more, and its identity never asked for again.
 */
export class RepeatedExchange {
  readonly #exchange: TokenExchange
  readonly #clock: Clock
  readonly #kept = new WeakMap<Auth, Map<string, Kept>>()

  constructor(exchange: TokenExchange, clock: Clock) {
    this.#exchange = exchange
    this.#clock = clock
  }

  /** Like `exchangeVerified`, and fails like it; `addressOf` is called when a token is signed. */
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
