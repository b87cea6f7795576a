import type { Auth } from '../auth.js'
import { refusal } from '../errors.js'
import type { Latchkey } from '../latchkey-api.js'
import type { MaybePromise } from '../maybe-promise.js'
import { isTokenText, type TokenCarrier, type TokenSources, takeToken } from './take-token.js'

/**
 * Returns the identity of the one token that the request carries: synchronously if everything
 * needed is in memory, else as a promise. Throws or rejects as `verify` does, and with
 * `credentials_missing`, `credentials_ambiguous` and `credentials_malformed`.
 */
export function identify(
  latchkey: Pick<Latchkey, 'verify'>,
  carrier: TokenCarrier,
  sources: TokenSources,
): MaybePromise<Auth> {
  const token = takeToken(carrier, sources)
  try {
    const auth = latchkey.verify(token)
    if (!(auth instanceof Promise)) return auth
    return auth.catch((error: unknown) => {
      throw reasonOf(error, token)
    })
  } catch (error) {
    throw reasonOf(error, token)
  }
}

/**
 * Returns `credentials_malformed` for a text that is no token, else the error of `verify`. Checked
 * only after a refusal, since an accepted token is well-formed.
 */
function reasonOf(error: unknown, token: string): unknown {
  return isTokenText(token) ? error : refusal('credentials_malformed')
}

const headerName = /^[\w!#$%&'*+.^`|~-]+$/

/**
 * Throws a TypeError for wrong arguments of a guard: when the guard is made, not at the first
 * request.
 */
export function checkGuard(latchkey: Pick<Latchkey, 'verify'>, { cookie, header }: TokenSources): void {
  if (typeof latchkey?.verify !== 'function')
    throw new TypeError('requireAuth needs the object that createLatchkey returned.')
  if (cookie !== undefined && !headerName.test(cookie)) throw new TypeError('cookie is the name of a cookie.')
  if (header !== undefined && !(headerName.test(header) && header.toLowerCase() !== 'authorization')) {
    throw new TypeError('header is the name of a header other than Authorization, which is always read.')
  }
}
