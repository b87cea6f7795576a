import type { SessionIds, StoredKey } from 'latchkey'

/** Session IDs under a key that may be replaced: those of before are then not recognised any more. */
export function replaceableSessionIds(key: StoredKey<SessionIds>): SessionIds {
  return {
    mint: (subject, nowMs) => key.current.mint(subject, nowMs),
    recognises: (sessionId, subject) => key.accepted.some((ids) => ids.recognises(sessionId, subject)),
  }
}
