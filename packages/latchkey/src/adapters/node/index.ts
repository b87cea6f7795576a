export type { Auth } from '../../auth.js'
export { requireScope, type ScopeCheck } from '../../http/require-scope.js'
export { authenticate, type HeaderSources, sendProblem } from './authenticate.js'
