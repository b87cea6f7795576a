import type { SqlClient } from 'latchkey/sql'
import type { MarkName } from './audit-mac.js'
import type { ChainPoint } from './audit-record.js'

/** A place that is kept beside the chain, with what proves it. */
export interface StoredMark extends ChainPoint {
  readonly tag: string
}

/** The mark as it is stored, whether or not it is genuine. */
export async function readMark(client: SqlClient, name: MarkName): Promise<StoredMark | undefined> {
  const { rows } = await client.query<StoredMark>('select seq, link, tag from server_audit_marks where name = $1', [
    name,
  ])
  return rows[0]
}
