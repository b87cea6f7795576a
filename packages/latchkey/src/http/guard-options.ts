import type { CsrfCheck } from './same-origin.js'
import type { TokenSources } from './take-token.js'

/** Options of a guard, the same in every framework. */
export interface GuardOptions extends TokenSources {
  /**
   * Lets a request without any credential pass, with no identity. A wrong credential is refused all
   * the same: a client whose token has expired must refresh it, and is not treated as a guest.
   *
   * @defaultValue `false`
   */
  readonly optional?: boolean
  /**
   * Refuses a token from the cookie with `csrf_refused` (403) if another site may have caused the
   * request. A token from another place is not checked, because no browser adds it by itself.
   * `false` disables the check: then the application must refuse such requests.
   *
   * @defaultValue `sameOrigin()`
   */
  readonly csrf?: CsrfCheck | false
}

/**
 * Narrows options to those of a guard that lets no request pass without an identity, so that
 * handlers have one.
 */
export interface RequiredGuardOptions {
  readonly optional?: false
}
