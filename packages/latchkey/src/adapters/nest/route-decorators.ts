import type { JsonValue } from '../../claims/plain-json.js'
import { requireClaim } from '../../http/require-claim.js'
import { type RecentOptions, requireRecent } from '../../http/require-recent.js'
import { requireRole } from '../../http/require-role.js'
import { requireScope } from '../../http/require-scope.js'
import { open, type RouteDecorator, required } from './access.js'

/**
 * Opens a controller, gateway or resolver, or one of its methods, to every request: the guard reads
 * no token. A method with `@Roles`, `@Scopes`, `@Claims` or `@RecentAuth` of its own stays guarded,
 * and subclasses are guarded again.
 *
 * @throws TypeError on a class or method that has another of these decorators
 * @example
 * ```ts
 * import { applyDecorators, Get } from '@nestjs/common'
 * import { Public } from 'latchkey/nest'
 *
 * export const HealthCheck = () => applyDecorators(Get('health'), Public())
 * ```
 */
export function Public(): RouteDecorator {
  return open('Public', 'public')
}

/**
 * Lets a request without any credential pass, with no identity. A wrong credential is refused all
 * the same. Read the identity with `@CurrentAuth({ optional: true })`.
 *
 * @throws TypeError on a class or method that has another of these decorators
 * @example
 * ```ts
 * import { applyDecorators, Get } from '@nestjs/common'
 * import { OptionalAuth } from 'latchkey/nest'
 *
 * export const GetForGuests = (path: string) => applyDecorators(Get(path), OptionalAuth())
 * ```
 */
export function OptionalAuth(): RouteDecorator {
  return open('OptionalAuth', 'optional')
}

/**
 * Lets a request pass only if the caller's grants hold all of these roles. The roles of a class and
 * of its method must all hold. It refuses with `insufficient_role` (403).
 *
 * @throws TypeError if no role is given, or an empty one
 * @example
 * ```ts
 * import { applyDecorators, Delete } from '@nestjs/common'
 * import { Roles } from 'latchkey/nest'
 *
 * export const DeleteByEditor = (path: string) => applyDecorators(Delete(path), Roles('editor'))
 * ```
 */
export function Roles(...roles: readonly string[]): RouteDecorator {
  return required('Roles', requireRole(...roles))
}

/**
 * Lets a request pass only if the caller's grants hold all of these scopes. The scopes of a class
 * and of its method must all hold. It refuses with `insufficient_scope` (403), whose challenge
 * names the scopes (RFC 6750 §3).
 *
 * @throws TypeError if no scope is given, or one that is no scope token (RFC 6749 §3.3)
 * @example
 * ```ts
 * import { applyDecorators, Post } from '@nestjs/common'
 * import { Scopes } from 'latchkey/nest'
 *
 * export const PostArticle = () => applyDecorators(Post('articles'), Scopes('articles:write'))
 * ```
 */
export function Scopes(...scopes: readonly string[]): RouteDecorator {
  return required('Scopes', requireScope(...scopes))
}

/**
 * Lets a request pass only if the token has this claim, with one of these values if any are listed.
 * It refuses with `insufficient_claim` (403). With `tenantSecrets` the holder of a tenant's secret
 * can sign any claim, so that a claim grants nothing there: use `@Roles` or `@Scopes`.
 *
 * @throws TypeError if the name is empty
 * @example
 * ```ts
 * import { applyDecorators, Get } from '@nestjs/common'
 * import { Claims } from 'latchkey/nest'
 *
 * export const GetReports = () => applyDecorators(Get('reports'), Claims('plan', 'pro', 'team'))
 * ```
 */
export function Claims(name: string, ...values: readonly JsonValue[]): RouteDecorator {
  return required('Claims', requireClaim(name, ...values))
}

/**
 * Lets a request pass only if its user authenticated within `maxAge` seconds, and with one of the
 * classes in `acr`. It refuses with `insufficient_user_authentication` (401), whose challenge names
 * both (RFC 9470 §3). With `tenantSecrets` it needs the option `sessionIds` of `createLatchkey`.
 *
 * @throws TypeError if `maxAge` is no whole number in its range, or `acr` no list of classes
 * @example
 * ```ts
 * import { applyDecorators, Delete } from '@nestjs/common'
 * import { RecentAuth } from 'latchkey/nest'
 *
 * export const DeleteTeam = () =>
 *   applyDecorators(Delete('team'), RecentAuth({ maxAge: 300, acr: 'aal2' }))
 * ```
 */
export function RecentAuth(options: RecentOptions): RouteDecorator {
  return required('RecentAuth', requireRecent(options))
}
