import type { Auth } from '../../auth.js'
import type { UntypedClaims } from '../../claims/check-claims.js'
import type { JsonValue } from '../../claims/plain-json.js'
import { type AuthCheck, passChecks } from '../../http/auth-checks.js'
import { requireClaim as createClaimCheck } from '../../http/require-claim.js'
import { requireRecent as createRecentCheck, type RecentOptions } from '../../http/require-recent.js'
import { requireRole as createRoleCheck } from '../../http/require-role.js'
import { requireScope as createScopeCheck } from '../../http/require-scope.js'
import { asGraphQLError } from './graphql-refusal.js'

/** Throws a GraphQL error if the identity is missing or not sufficient; otherwise returns it. */
export type ResolverCheck = <C extends object = UntypedClaims>(auth: Auth<C> | undefined) => Auth<C>

/**
 * Returns a check for resolvers that `context.auth.grants.roles` holds all of these roles. It
 * throws a GraphQL error with the code `insufficient_role`.
 *
 * @throws TypeError if no role is given, or an empty one
 * @example
 * ```ts
 * import { type AuthContext, requireRole } from 'latchkey/yoga'
 *
 * const checkEditor = requireRole('editor')
 * export const Query = {
 *   editor: (_root: unknown, _args: unknown, { auth }: AuthContext) => checkEditor(auth).subject,
 * }
 * ```
 */
export function requireRole(...roles: readonly string[]): ResolverCheck {
  return resolverCheck(createRoleCheck(...roles))
}

/**
 * Returns a check for resolvers that `context.auth.grants.scope` holds all of these scopes. It
 * throws a GraphQL error with the code `insufficient_scope`.
 *
 * @throws TypeError if no scope is given, or one that is no scope token (RFC 6749 §3.3)
 * @example
 * ```ts
 * import { type AuthContext, requireScope } from 'latchkey/yoga'
 *
 * const checkWriter = requireScope('articles:write')
 * export const Mutation = {
 *   publish: (_root: unknown, _args: unknown, { auth }: AuthContext) => checkWriter(auth).subject,
 * }
 * ```
 */
export function requireScope(...scopes: readonly string[]): ResolverCheck {
  return resolverCheck(createScopeCheck(...scopes))
}

/**
 * Returns a check for resolvers that `context.auth.claims` holds this claim, with one of these
 * values if any are listed. It throws a GraphQL error with the code `insufficient_claim`. With
 * `tenantSecrets` a claim grants nothing: use `requireRole` or `requireScope` there.
 *
 * @throws TypeError if the name is no text or is empty
 * @example
 * ```ts
 * import { type AuthContext, requireClaim } from 'latchkey/yoga'
 *
 * const checkPlan = requireClaim('plan', 'pro')
 * export const Query = {
 *   reader: (_root: unknown, _args: unknown, { auth }: AuthContext) => checkPlan(auth).subject,
 * }
 * ```
 */
export function requireClaim(name: string, ...values: readonly JsonValue[]): ResolverCheck {
  return resolverCheck(createClaimCheck(name, ...values))
}

/**
 * Returns a check for resolvers that the user authenticated within `maxAge` seconds, and with one
 * of the classes in `acr`. It throws a GraphQL error with the code
 * `insufficient_user_authentication`. With `tenantSecrets` it needs the option `sessionIds` of
 * `createLatchkey`.
 *
 * @throws TypeError if `maxAge` is no whole number in its range, or `acr` no list of classes
 * @example
 * ```ts
 * import { type AuthContext, requireRecent } from 'latchkey/yoga'
 *
 * const checkRecent = requireRecent({ maxAge: 300, acr: 'aal2' })
 * export const Mutation = {
 *   leave: (_root: unknown, _args: unknown, { auth }: AuthContext) => checkRecent(auth).subject,
 * }
 * ```
 */
export function requireRecent(options: RecentOptions): ResolverCheck {
  return resolverCheck(createRecentCheck(options))
}

function resolverCheck(check: AuthCheck): ResolverCheck {
  return (auth) => {
    try {
      return passChecks(auth, [check])
    } catch (error) {
      throw asGraphQLError(error)
    }
  }
}
