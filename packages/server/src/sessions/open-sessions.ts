import { RefreshTokens, replaceableRefreshTokens } from 'latchkey/sessions'
import type { Configuration } from '../config/configuration.js'
import type { Core } from '../core.js'
import { type SessionDependencies, Sessions } from './sessions.js'

/** Opens the sessions, whose refresh tokens are derived from a stored key. */
export async function openSessions(
  core: Core,
  dependencies: Omit<SessionDependencies, 'refreshTokens'>,
  configuration: Configuration,
): Promise<Sessions> {
  // The name of a stored key never changes.
  const key = await core.keys.storedKey('server:refresh-key', (bytes) => new RefreshTokens(bytes))
  return new Sessions(core, { ...dependencies, refreshTokens: replaceableRefreshTokens(key) }, configuration)
}
