import type { SessionIds, StoredKey } from 'latchkey'

/**
 * Returns session IDs under a replaceable key. After a replacement, earlier IDs are unknown.
 */
export function replaceableSessionIds(key: StoredKey<SessionIds>): SessionIds {
  return {
    mint: (subject, nowMs, level) => key.current.mint(subject, nowMs, level),
    read: (sessionId, subject) => {
      for (const ids of key.accepted) {
        const minted = ids.read(sessionId, subject)
        if (minted !== undefined) return minted
      }
      return undefined
    },
  }
}
