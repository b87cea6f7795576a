import type { Auth } from '../auth.js'
import type { UntypedClaims } from '../claims/check-claims.js'
import { refusal } from '../errors.js'

/** Throws `insufficient_role` if the identity lacks a role; otherwise returns the same identity. */
export type RoleCheck = <C extends object = UntypedClaims>(auth: Auth<C>) => Auth<C>

/**
 * Returns a check that `auth.grants.roles` holds all of these roles.
 *
 * With `tenantSecrets` the roles are the stored ones (`keys.setGrants`); claims of the token grant
 * none.
 *
 * @returns A function that throws `insufficient_role` (403) or returns its argument.
 * @throws TypeError if no role is given, or an empty one
 * @example
 * ```ts
 * import { createLatchkey, remoteJwks } from 'latchkey'
 * import { authenticate, requireRole } from 'latchkey/fetch'
 *
 * const keys = remoteJwks('https://auth.example/jwks.json')
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * const checkEditor = requireRole('editor')
 * export async function handle(request: Request): Promise<Response> {
 *   const { subject } = checkEditor(await authenticate(latchkey, request))
 *   return Response.json({ id: subject })
 * }
 * ```
 */
export function requireRole(...roles: readonly string[]): RoleCheck {
  if (roles.length === 0) throw new TypeError('requireRole takes at least one role.')
  if (!roles.every((role) => typeof role === 'string' && role !== '')) {
    throw new TypeError('A role is a text that is not empty.')
  }
  return (auth) => {
    if (auth === undefined) throw new TypeError('requireRole must run after requireAuth or authenticate.')
    const granted = auth.grants.roles
    if (!roles.every((role) => granted.includes(role))) throw refusal('insufficient_role')
    return auth
  }
}
