export type { Auth } from '../../auth.js'
export type { Grants } from '../../claims/grants.js'
export { authOf, optionalAuthOf } from '../../http/auth-of.js'
export type { GuardOptions } from '../../http/guard-options.js'
export type { RecentOptions } from '../../http/require-recent.js'
export { type CsrfCheck, type RequestOrigin, type SameOriginOptions, sameOrigin } from '../../http/same-origin.js'
export type { TokenSources } from '../../http/take-token.js'
export type {
  AuthenticatedHandler,
  AuthenticatedRequest,
  AuthGuard,
  Middleware,
  OptionalAuthGuard,
  OptionallyAuthenticatedHandler,
  OptionallyAuthenticatedRequest,
} from './auth-guard.js'
export type { ExpressGuardOptions } from './guard-options.js'
export { requireAuth } from './require-auth.js'
export { requireClaim } from './require-claim.js'
export { requireRecent } from './require-recent.js'
export { requireRole } from './require-role.js'
export { requireScope } from './require-scope.js'
