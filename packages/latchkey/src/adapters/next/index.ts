export type { Auth } from '../../auth.js'
export type { Grants } from '../../claims/grants.js'
export type { Verifier } from '../../http/guard.js'
export type { GuardOptions } from '../../http/guard-options.js'
export { type ClaimCheck, requireClaim } from '../../http/require-claim.js'
export { type RecentCheck, type RecentOptions, requireRecent } from '../../http/require-recent.js'
export { type RoleCheck, requireRole } from '../../http/require-role.js'
export { requireScope, type ScopeCheck } from '../../http/require-scope.js'
export { type CsrfCheck, type RequestOrigin, type SameOriginOptions, sameOrigin } from '../../http/same-origin.js'
export type { TokenSources } from '../../http/take-token.js'
export { authProxy } from './auth-proxy.js'
export type {
  NextOptions,
  RequiredNextOptions,
  RequiredServerAuthOptions,
  ServerAuthOptions,
} from './next-options.js'
export { type ReadHeaders, serverAuth } from './server-auth.js'
export { type AuthContext, type AuthHandler, type RouteHandler, type RouteParams, withAuth } from './with-auth.js'
