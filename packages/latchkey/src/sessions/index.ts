export { createSessions } from './create-sessions.js'
export { deviceBinding } from './device-binding.js'
export {
  type AcceptedVerdict,
  applyRefresh,
  decideRefresh,
  type Presentation,
  parentOf,
  type RefreshState,
  type RefreshVerdict,
} from './refresh-policy.js'
export {
  maxRefreshCounter,
  parseRefreshToken,
  type RefreshTokenParts,
  type RefreshTokenSeed,
  RefreshTokens,
  type ReplaceableRefreshTokens,
  replaceableRefreshTokens,
} from './refresh-token.js'
export type { SessionRecord, SessionStore, StoredSession } from './session-store.js'
export type {
  EndAllOptions,
  Session,
  SessionOrigin,
  Sessions,
  SessionsOptions,
  SessionTokens,
  StartOptions,
  StepUpOptions,
} from './sessions-api.js'
