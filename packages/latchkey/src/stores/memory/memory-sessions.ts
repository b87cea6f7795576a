import type { SessionRecord, StoredSession } from '../../sessions/session-store.js'

/** The sessions that a transaction has changed; `undefined` for one that it will delete. */
export type SessionDraft = Map<string, StoredSession | undefined>

/** The sessions of a memory store. With a draft, a method sees and changes its transaction. */
export class MemorySessions {
  readonly #sessions = new Map<string, StoredSession>()

  find(id: string, draft?: SessionDraft): StoredSession | undefined {
    return draft?.has(id) === true ? draft.get(id) : this.#sessions.get(id)
  }

  /** Returns all sessions of the subject, also those that have ended. */
  of(subject: string, draft: SessionDraft = new Map()): StoredSession[] {
    const ids = new Set([...this.#sessions.keys(), ...draft.keys()])
    return [...ids].flatMap((id) => {
      const session = this.find(id, draft)
      return session?.subject === subject ? [session] : []
    })
  }

  add(session: SessionRecord, draft: SessionDraft): void {
    if (this.find(session.id, draft) !== undefined) throw new TypeError('A session with this ID exists already.')
    draft.set(session.id, { ...session, isRevoked: false })
  }

  /** See `SessionStore.advanceSession`. */
  advance(before: SessionRecord, after: SessionRecord, draft: SessionDraft): boolean {
    const current = this.find(before.id, draft)
    if (current === undefined || current.endedAt !== null || current.isRevoked) return false
    if (current.counter !== before.counter || current.isRepeated !== before.isRepeated) return false
    const graceUses = current.graceUses + after.graceUses - before.graceUses
    draft.set(before.id, { ...after, graceUses, isRevoked: false })
    return true
  }

  /** See `SessionStore.endSession`. */
  end(subject: string, id: string, nowMs: number, draft: SessionDraft): boolean {
    const current = this.find(id, draft)
    if (current === undefined || current.subject !== subject || current.endedAt !== null) return false
    draft.set(id, { ...current, endedAt: nowMs, endsAt: nowMs })
    return true
  }

  /** Revokes all sessions of the subject. */
  revoke(subject: string, draft: SessionDraft): void {
    for (const session of this.of(subject, draft)) draft.set(session.id, { ...session, isRevoked: true })
  }

  /** Deletes all sessions of the subject. */
  remove(subject: string, draft: SessionDraft): void {
    for (const { id } of this.of(subject, draft)) draft.set(id, undefined)
  }

  /** See `SessionStore.pruneSessions`. */
  prune(before: number, limit: number, draft: SessionDraft): number {
    const due = [...this.#sessions.values()].filter(({ endsAt }) => endsAt < before).slice(0, limit)
    for (const { id } of due) draft.set(id, undefined)
    return due.length
  }

  commit(draft: SessionDraft): void {
    for (const [id, session] of draft) {
      if (session === undefined) this.#sessions.delete(id)
      else this.#sessions.set(id, session)
    }
  }
}
