export type { Auth } from '../../auth.js'
export { authenticate, type HeaderSources, sendProblem } from './authenticate.js'
