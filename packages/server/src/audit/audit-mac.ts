import { createHmac, createSecretKey, hkdfSync, type KeyObject, timingSafeEqual } from 'node:crypto'
import { type Binding, Keyring } from 'latchkey'
import type { AuditRecord, ChainPoint, SealedRecord, StoredSegment, TaggedRecord } from './audit-record.js'

/** The names of the two places of the chain that are stored in a table of their own. */
export type MarkName = 'head' | 'anchor'

/** Faults of an entry in its place of the chain. */
export type EntryFault = 'entry_changed' | 'entries_missing' | 'order_changed'

/** The place before the first entry. */
export const beginning: ChainPoint = { seq: 0, link: '' }

/**
 * The MACs of the audit log: HMAC-SHA-256 under a key that is sealed under the master key, so that
 * write access to the database alone cannot forge an entry. Each MAC covers a JSON array that
 * begins with its purpose, so that no MAC is valid for another purpose.
 */
export class AuditMac {
  readonly #key: KeyObject

  /** `key`: 32 random bytes, the same in every process. */
  constructor(key: Uint8Array) {
    this.#key = createSecretKey(key)
  }

  /**
   * Returns the tag of a record, over all its members. A record without a detail has the tag of
   * versions that had no details.
   */
  tagOf({ id, at, event, outcome, actor, account, session, address, detail }: AuditRecord): string {
    const parts = ['entry', id, at, event, outcome, actor, account, session, address]
    return this.#mac(detail === null ? parts : [...parts, detail])
  }

  /** Returns the place after `previous`, for an entry with this tag. */
  next(previous: ChainPoint, tag: string): ChainPoint {
    const seq = previous.seq + 1
    return { seq, link: this.#mac(['link', seq, previous.link, tag]) }
  }

  /** Returns the tag of a mark, which proves that the chain ended, or was cut, at this place. */
  markOf(name: MarkName, { seq, link }: ChainPoint): string {
    return this.#mac([name, seq, link])
  }

  isGenuine(record: TaggedRecord): boolean {
    return isEqual(this.tagOf(record), record.tag)
  }

  isGenuineMark(name: MarkName, mark: ChainPoint & { readonly tag: string }): boolean {
    return isEqual(this.markOf(name, mark), mark.tag)
  }

  /** Returns whether the entry's link is the one that follows `previous`. */
  isNext(previous: ChainPoint, { tag, link }: SealedRecord): boolean {
    return isEqual(this.next(previous, tag).link, link)
  }

  /** Returns the tag of a segment, which proves where the part under the replaced key ended. */
  segmentTag({ seq, link, sealedKey }: Omit<StoredSegment, 'tag'>): string {
    return this.#mac(['segment', seq, link, sealedKey])
  }

  isGenuineSegment(segment: StoredSegment): boolean {
    return isEqual(this.segmentTag(segment), segment.tag)
  }

  /**
   * Seals the key that this one has replaced, so that entries of its part can still be verified.
   */
  sealKey(replaced: AuditMac, seq: number): string {
    return this.#keyring.seal(replaced.#key.export(), bindingOf(seq)).sealed
  }

  /** Opens a key that `sealKey` has sealed. Throws `master_key_wrong`. */
  openKey({ seq, sealedKey }: Pick<StoredSegment, 'seq' | 'sealedKey'>): AuditMac {
    return new AuditMac(this.#keyring.open({ masterKeyId: keyId, sealed: sealedKey }, bindingOf(seq)))
  }

  get #keyring(): Keyring {
    const key = Buffer.from(hkdfSync('sha256', this.#key, '', 'latchkey audit key before', 32))
    return Keyring.parse(`${keyId}:${key.toString('base64url')}`)
  }

  #mac(parts: readonly (string | number | null)[]): string {
    return createHmac('sha256', this.#key).update(JSON.stringify(parts)).digest('base64url')
  }
}

/**
 * Returns the fault of an entry that should follow `previous`, checked with any of these MACs;
 * `undefined` for a genuine one.
 */
export function faultOf(macs: readonly AuditMac[], previous: ChainPoint, record: SealedRecord): EntryFault | undefined {
  if (record.seq > previous.seq + 1) return 'entries_missing'
  if (record.seq !== previous.seq + 1) return 'order_changed'
  if (!macs.some((mac) => mac.isGenuine(record))) return 'entry_changed'
  return macs.some((mac) => mac.isNext(previous, record)) ? undefined : 'order_changed'
}

const keyId = 'audit'

function bindingOf(seq: number): Binding {
  return ['audit-key', seq]
}

function isEqual(expected: string, found: string): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(found)]
  return a.length === b.length && timingSafeEqual(a, b)
}
