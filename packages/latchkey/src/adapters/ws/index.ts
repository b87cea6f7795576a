export type { Auth } from '../../auth.js'
export type { Grants } from '../../claims/grants.js'
export type { AuthCheck } from '../../http/auth-checks.js'
export { authOf, optionalAuthOf } from '../../http/auth-of.js'
export type { ConnectionOptions, ConnectionVerifier } from '../../http/connection-guard.js'
export type { GuardOptions } from '../../http/guard-options.js'
export { type ClaimCheck, requireClaim } from '../../http/require-claim.js'
export { type RecentCheck, type RecentOptions, requireRecent } from '../../http/require-recent.js'
export { type RoleCheck, requireRole } from '../../http/require-role.js'
export { requireScope, type ScopeCheck } from '../../http/require-scope.js'
export { type CsrfCheck, type RequestOrigin, type SameOriginOptions, sameOrigin } from '../../http/same-origin.js'
export type { TokenSources } from '../../http/take-token.js'
export {
  type GuardedSocket,
  guardUpgrades,
  type UpgradeListener,
  type UpgradeOptions,
  type UpgradingServer,
} from './guard-upgrades.js'
