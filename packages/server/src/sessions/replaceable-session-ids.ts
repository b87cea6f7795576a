import type { SessionIds, StoredKey } from 'latchkey'

/**
 * Returns session IDs under a replaceable key. After a replacement, earlier IDs are not recognised.
 */
export function replaceableSessionIds(key: StoredKey<SessionIds>): SessionIds {
  return {
    mint: (subject, nowMs) => key.current.mint(subject, nowMs),
    recognises: (sessionId, subject) => key.accepted.some((ids) => ids.recognises(sessionId, subject)),
  }
}
