export type { Auth } from '../../auth.js'
export { cookieValues } from '../../http/cookie-values.js'
export { requireScope, type ScopeCheck } from '../../http/require-scope.js'
export { authenticate, type HeaderSources, sendProblem } from './authenticate.js'
