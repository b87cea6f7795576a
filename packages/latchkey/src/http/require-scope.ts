import type { Auth } from '../auth.js'
import type { UntypedClaims } from '../claims/check-claims.js'
import { refusal } from '../errors.js'

/**
 * A scope token: visible ASCII without quote and backslash (RFC 6749 §3.3). A challenge can contain
 * one without escaping.
 */
const scopeToken = /^[\x21\x23-\x5b\x5d-\x7e]+$/

/**
 * Throws `insufficient_scope` if the identity lacks a scope; otherwise returns the same identity.
 */
export type ScopeCheck = <C extends object = UntypedClaims>(auth: Auth<C>) => Auth<C>

/**
 * Returns a check that `auth.grants.scope` holds all of these scopes.
 *
 * With `tenantSecrets` the scope is the stored one (`keys.setGrants`); the `scope` claim of a token
 * can only narrow it.
 *
 * @returns A function that throws `insufficient_scope` (403), whose challenge names the scopes (RFC
 * 6750 §3), or returns its argument.
 * @throws TypeError if no scope is given, or one that is no scope token (RFC 6749 §3.3)
 * @example
 * ```ts
 * import { createLatchkey, remoteJwks } from 'latchkey'
 * import { authenticate, requireScope } from 'latchkey/fetch'
 *
 * const keys = remoteJwks('https://auth.example/jwks.json')
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * const checkWriter = requireScope('articles:write')
 * export async function handle(request: Request): Promise<Response> {
 *   const { subject } = checkWriter(await authenticate(latchkey, request))
 *   return Response.json({ id: subject })
 * }
 * ```
 */
export function requireScope(...scopes: readonly string[]): ScopeCheck {
  if (scopes.length === 0) throw new TypeError('requireScope takes at least one scope.')
  for (const scope of scopes) {
    if (!scopeToken.test(scope)) throw new TypeError('A scope is visible ASCII without space, quote and backslash.')
  }
  const needed = scopes.join(' ')
  return (auth) => {
    // A check in front of the authentication is a mistake of the program: it fails the first
    // request.
    if (auth === undefined) throw new TypeError('requireScope must run after requireAuth or authenticate.')
    const granted = auth.grants.scope.split(' ')
    if (!scopes.every((scope) => granted.includes(scope))) throw refusal('insufficient_scope', { scope: needed })
    return auth
  }
}
