export type { Auth } from '../../auth.js'
export type { TokenSources } from '../../http/take-token.js'
export { requireAuth } from './require-auth.js'
export { requireScope } from './require-scope.js'
