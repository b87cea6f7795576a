import type { StoredKey } from 'latchkey'
import type { SqlClient } from 'latchkey/sql'
import { uuidV7 } from '../uuid.js'
import { type AuditMac, type EntryFault, faultOf } from './audit-mac.js'
import type { ChainPoint, SealedRecord, StoredSegment } from './audit-record.js'

/** What verifies the parts of the chain. */
export interface ChainMacs {
  /** What is wrong with this entry as the one that follows `previous`; `undefined` when nothing is. */
  faultOf(previous: ChainPoint, record: SealedRecord): EntryFault | undefined
  /** Those of what has no place yet, and of the marks. */
  readonly open: readonly AuditMac[]
  /** Where segments end that are not genuine, so that what stands before them cannot be verified. */
  readonly broken: readonly number[]
}

/** The MACs of the newest part; while the key is being replaced, both of before and after. */
export function openMacs({ accepted, replaced, isReplacing }: StoredKey<AuditMac>): readonly AuditMac[] {
  return isReplacing && replaced !== undefined ? [...accepted, replaced] : accepted
}

/** Reads how the chain is divided: each key is sealed under the one that follows it, so that the newest one opens all. */
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
    const own = closing.openKey(segment)
    // Near its end entries were made with both.
    parts.unshift({ end: segment, macs: [own, closing] })
    candidates = [own]
  }
  return {
    open,
    broken,
    faultOf: (previous, record) => {
      const part = parts.find(({ end }) => record.seq <= end.seq)
      const fault = faultOf(part?.macs ?? open, previous, record)
      // Whoever has the key of a part that was closed can make another chain, but none that ends in the same link.
      const isOther = part?.end.seq === record.seq && part.end.link !== record.link
      return fault ?? (isOther ? 'order_changed' : undefined)
    },
  }
}

/** Whether the part of the chain before this key was closed. */
export async function isClosedUnder(client: SqlClient, mac: AuditMac): Promise<boolean> {
  const [newest] = await readSegments(client)
  return newest !== undefined && mac.isGenuineSegment(newest)
}

/** Closes the part of the chain that was made with `replaced`, at its newest place: from there on only `current` proves anything. */
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

/** Forgets the parts of which no entry is left. */
export async function pruneSegments(client: SqlClient, anchor: ChainPoint): Promise<void> {
  await client.query('delete from server_audit_segments where seq <= $1', [anchor.seq])
}

/** Newest first. */
async function readSegments(client: SqlClient): Promise<StoredSegment[]> {
  const { rows } = await client.query<StoredSegment>(
    'select seq, link, sealed_key as "sealedKey", tag from server_audit_segments order by seq desc, id desc',
  )
  return rows
}
