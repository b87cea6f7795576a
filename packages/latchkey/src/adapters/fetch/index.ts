export type { Auth } from '../../auth.js'
export type { TokenSources } from '../../http/take-token.js'
export { problemResponse } from '../../http/web-request.js'
export { authenticate } from './authenticate.js'
