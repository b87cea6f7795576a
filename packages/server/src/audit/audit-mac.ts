import { createHmac, timingSafeEqual } from 'node:crypto'
import type { AuditRecord, ChainPoint, SealedRecord, TaggedRecord } from './audit-record.js'

/** The two places of the chain that are kept beside it. */
export type MarkName = 'head' | 'anchor'

/** What can be wrong with an entry where it stands. */
export type EntryFault = 'entry_changed' | 'entries_missing' | 'order_changed'

/** The place before the first entry. */
export const beginning: ChainPoint = { seq: 0, link: '' }

/**
 * The MACs of the audit log: HMAC-SHA-256 under a key that is sealed under the master key, so that who can write to the database, but does not hold the
 * master key, can make none. Each covers a JSON array that begins with what it is for: no two things share an encoding.
 */
export class AuditMac {
  readonly #key: Uint8Array

  /** `key`: 32 random bytes, the same in every process. */
  constructor(key: Uint8Array) {
    this.#key = key
  }

  /** Binds everything that a record says together. Records without a detail have the tags that they had before there were details. */
  tagOf({ id, at, event, outcome, actor, account, session, address, detail }: AuditRecord): string {
    const parts = ['entry', id, at, event, outcome, actor, account, session, address]
    return this.#mac(detail === null ? parts : [...parts, detail])
  }

  /** The place after `previous`, for an entry with this tag. */
  next(previous: ChainPoint, tag: string): ChainPoint {
    const seq = previous.seq + 1
    return { seq, link: this.#mac(['link', seq, previous.link, tag]) }
  }

  /** Proves that the chain once ended, or was cut off, at this place. */
  markOf(name: MarkName, { seq, link }: ChainPoint): string {
    return this.#mac([name, seq, link])
  }

  isGenuine(record: TaggedRecord): boolean {
    return isEqual(this.tagOf(record), record.tag)
  }

  isGenuineMark(name: MarkName, mark: ChainPoint & { readonly tag: string }): boolean {
    return isEqual(this.markOf(name, mark), mark.tag)
  }

  /** What is wrong with this entry as the one that follows `previous`; `undefined` when nothing is. */
  faultOf(previous: ChainPoint, record: SealedRecord): EntryFault | undefined {
    if (record.seq > previous.seq + 1) return 'entries_missing'
    if (record.seq !== previous.seq + 1) return 'order_changed'
    if (!this.isGenuine(record)) return 'entry_changed'
    return isEqual(this.next(previous, record.tag).link, record.link) ? undefined : 'order_changed'
  }

  #mac(parts: readonly (string | number | null)[]): string {
    return createHmac('sha256', this.#key).update(JSON.stringify(parts)).digest('base64url')
  }
}

function isEqual(expected: string, found: string): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(found)]
  return a.length === b.length && timingSafeEqual(a, b)
}
