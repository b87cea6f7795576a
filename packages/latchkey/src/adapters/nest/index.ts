export type { Auth } from '../../auth.js'
export type { Grants } from '../../claims/grants.js'
export type { GuardOptions } from '../../http/guard-options.js'
export type { NodeRequest } from '../../http/node-request.js'
export type { RecentOptions } from '../../http/require-recent.js'
export {
  type CsrfCheck,
  type RequestOrigin,
  type SameOriginOptions,
  sameOrigin,
} from '../../http/same-origin.js'
export type { TokenSources } from '../../http/take-token.js'
export type { RouteDecorator } from './access.js'
export { AuthGuard } from './auth-guard.js'
export { authOf, CurrentAuth, type CurrentAuthOptions, optionalAuthOf } from './current-auth.js'
export { InjectLatchkey, LATCHKEY } from './inject-latchkey.js'
export { LatchkeyModule } from './latchkey-module.js'
export type { LatchkeyModuleAsyncOptions, LatchkeyModuleOptions } from './module-options.js'
export { keepHandshake, type RequestOf } from './request-of.js'
export { Claims, OptionalAuth, Public, RecentAuth, Roles, Scopes } from './route-decorators.js'
