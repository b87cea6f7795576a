import type { Auth } from '../auth.js'
import { refusal } from '../errors.js'

/** Throws unless the identity has the roles; returns the same identity. */
export type RoleCheck = (auth: Auth) => Auth

/**
 * A check that `auth.grants.roles` holds every one of these roles. It throws `insufficient_role`. Making it throws a
 * TypeError when no role is given, or one is empty.
 *
 * With `tenantSecrets` the roles are the stored ones (`keys.setGrants`): a claim of the token gives none.
 *
 * @example
 * const mayEdit = requireRole('editor')
 * const { subject } = mayEdit(await authenticate(latchkey, request))
 */
export function requireRole(...roles: readonly string[]): RoleCheck {
  if (roles.length === 0) throw new TypeError('requireRole takes at least one role.')
  if (!roles.every((role) => typeof role === 'string' && role !== '')) {
    throw new TypeError('A role is a text that is not empty.')
  }
  return (auth: Auth) => {
    if (auth === undefined) throw new TypeError('requireRole goes behind the authentication of the request.')
    const granted = auth.grants.roles
    if (!roles.every((role) => granted.includes(role))) throw refusal('insufficient_role')
    return auth
  }
}
