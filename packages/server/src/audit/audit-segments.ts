import type { StoredKey } from 'latchkey'
import type { SqlClient } from 'latchkey/sql'
import { uuidV7 } from '../uuid.js'
import { type AuditMac, type EntryFault, faultOf } from './audit-mac.js'
import type { ChainPoint, SealedRecord, StoredSegment } from './audit-record.js'

/** The MACs that verify the parts of the chain. */
export interface ChainMacs {
  /** Returns the fault of an entry that should follow `previous`; `undefined` for a genuine one. */
  faultOf(previous: ChainPoint, record: SealedRecord): EntryFault | undefined
  /** The MACs of entries that are not linked yet, and of the marks. */
  readonly open: readonly AuditMac[]
  /** The ends of segments that are not genuine. Entries before them cannot be verified. */
  readonly broken: readonly number[]
}

/** Returns the MACs of the newest part: during a replacement those of the old and the new key. */
export function openMacs({ accepted, replaced, isReplacing }: StoredKey<AuditMac>): readonly AuditMac[] {
  return isReplacing && replaced !== undefined ? [...accepted, replaced] : accepted
}

/**
 * Reads the segments of the chain. Each key is sealed under the next one, so that the newest key
 * opens all.
 */
export async function readChainMacs(client: SqlClient, key: StoredKey<AuditMac>): Promise<ChainMacs> {
  const open = openMacs(key)
  const parts: { readonly end: ChainPoint; readonly macs: readonly AuditMac[] }[] = []
  const broken: number[] = []
  let candidates = open
  for (const segment of await readSegments(client)) {
    const closing = candidates.find((mac) => mac.isGenuineSegment(segment))
    if (closing === undefined) {
      broken.push(segment.seq)
      continue
    }
    const mac = closing.openKey(segment)
    // Entries near the end of a segment have tags of either key.
    parts.unshift({ end: segment, macs: [mac, closing] })
    candidates = [mac]
  }
  return {
    open,
    broken,
    faultOf: (previous, record) => {
      const part = parts.find(({ end }) => record.seq <= end.seq)
      const fault = faultOf(part?.macs ?? open, previous, record)
      // The holder of the key of a closed segment can forge a chain, but none that ends in the same
      // link.
      const isOther = part?.end.seq === record.seq && part.end.link !== record.link
      return fault ?? (isOther ? 'order_changed' : undefined)
    },
  }
}

/** Returns whether the segment of the previous key was closed under this one. */
export async function isClosedUnder(client: SqlClient, mac: AuditMac): Promise<boolean> {
  const [newest] = await readSegments(client)
  return newest !== undefined && mac.isGenuineSegment(newest)
}

/**
 * Closes the segment of the key `replaced` at the newest place. Later entries need the key
 * `current`.
 */
export async function addSegment(
  client: SqlClient,
  { seq, link }: ChainPoint,
  { current, replaced, nowMs }: { readonly current: AuditMac; readonly replaced: AuditMac; readonly nowMs: number },
): Promise<void> {
  const sealedKey = current.sealKey(replaced, seq)
  await client.query('insert into server_audit_segments (id, seq, link, sealed_key, tag) values ($1, $2, $3, $4, $5)', [
    uuidV7(nowMs),
    seq,
    link,
    sealedKey,
    current.segmentTag({ seq, link, sealedKey }),
  ])
}

/** Deletes the segments whose entries are all deleted. */
export async function pruneSegments(client: SqlClient, anchor: ChainPoint): Promise<void> {
  await client.query('delete from server_audit_segments where seq <= $1', [anchor.seq])
}

/** Returns the segments, newest first. */
async function readSegments(client: SqlClient): Promise<StoredSegment[]> {
  const { rows } = await client.query<StoredSegment>(
    'select seq, link, sealed_key as "sealedKey", tag from server_audit_segments order by seq desc, id desc',
  )
  return rows
}
