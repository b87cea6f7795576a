import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import { type Binding, Keyring } from 'latchkey'
import type { AuditRecord, ChainPoint, SealedRecord, StoredSegment, TaggedRecord } from './audit-record.js'

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

  /** Whether the entry's link is the one that follows `previous`. */
  isNext(previous: ChainPoint, { tag, link }: SealedRecord): boolean {
    return isEqual(this.next(previous, tag).link, link)
  }

  /** Proves where the part of the chain ended whose key this one has replaced. */
  segmentTag({ seq, link, sealedKey }: Omit<StoredSegment, 'tag'>): string {
    return this.#mac(['segment', seq, link, sealedKey])
  }

  isGenuineSegment(segment: StoredSegment): boolean {
    return isEqual(this.segmentTag(segment), segment.tag)
  }

  /** The key that this one has replaced, sealed, so that what it has proved can still be verified. */
  sealKey(replaced: AuditMac, seq: number): string {
    return this.#keyring.seal(replaced.#key, bindingOf(seq)).sealed
  }

  /** What `sealKey` has sealed. Throws `master_key_wrong`. */
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

/** What is wrong with this entry as the one that follows `previous`, by any of these MACs; `undefined` when nothing is. */
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
