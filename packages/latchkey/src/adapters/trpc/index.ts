export type { Auth } from '../../auth.js'
export type { Grants } from '../../claims/grants.js'
export type { AuthCheck } from '../../http/auth-checks.js'
export type { Verifier } from '../../http/guard.js'
export type { GuardOptions } from '../../http/guard-options.js'
export type { NodeRequest } from '../../http/node-request.js'
export { type ClaimCheck, requireClaim } from '../../http/require-claim.js'
export { type RecentCheck, type RecentOptions, requireRecent } from '../../http/require-recent.js'
export { type RoleCheck, requireRole } from '../../http/require-role.js'
export { requireScope, type ScopeCheck } from '../../http/require-scope.js'
export { type CsrfCheck, type RequestOrigin, type SameOriginOptions, sameOrigin } from '../../http/same-origin.js'
export type { TokenSources } from '../../http/take-token.js'
export {
  type AuthContext,
  type AuthContextOptions,
  type ContextRequest,
  createAuthContext,
  type RequiredAuthContextOptions,
} from './auth-context.js'
export { type AuthProcedure, authProcedure } from './auth-procedure.js'
export { refusalMeta, toTRPCError } from './trpc-error.js'
