import type { Auth } from '../auth.js'
import { refusal } from '../errors.js'

/** A scope token: visible ASCII without the quote and the backslash (RFC 6749 §3.3), so that it can stand in a challenge as it is. */
const scopeToken = /^[\x21\x23-\x5b\x5d-\x7e]+$/

/** Throws unless the identity may do what it asks for; gives the same identity. */
export type ScopeCheck = (auth: Auth) => Auth

/**
 * A check that `auth.grants.scope` holds every one of these scopes. It throws `insufficient_scope`, whose challenge names them (RFC 6750 §3). Making it
 * throws a TypeError when a scope is no scope token, or none is given.
 *
 * With `tenantSecrets` the scope is the stored one (`keys.setGrants`), of which a token's `scope` claim can only take away.
 *
 * @example
 * const mayWrite = requireScope('articles:write')
 * const { subject } = mayWrite(await authenticate(latchkey, request))
 */
export function requireScope(...scopes: readonly string[]): ScopeCheck {
  if (scopes.length === 0) throw new TypeError('requireScope takes at least one scope.')
  for (const scope of scopes) {
    if (!scopeToken.test(scope)) throw new TypeError('A scope is visible ASCII without space, quote and backslash.')
  }
  const needed = scopes.join(' ')
  return (auth) => {
    // Whoever puts the check before the authentication finds out at the first request.
    if (auth === undefined) throw new TypeError('requireScope goes behind the authentication of the request.')
    const granted = auth.grants.scope.split(' ')
    if (!scopes.every((scope) => granted.includes(scope))) throw refusal('insufficient_scope', { scope: needed })
    return auth
  }
}
