import type { SqlClient } from 'latchkey/sql'
import type { MarkName } from './audit-mac.js'
import type { ChainPoint } from './audit-record.js'

/** A stored place of the chain, with its tag. */
export interface StoredMark extends ChainPoint {
  readonly tag: string
}

/** Returns the stored mark without checking its tag. */
export async function readMark(client: SqlClient, name: MarkName): Promise<StoredMark | undefined> {
  const { rows } = await client.query<StoredMark>('select seq, link, tag from server_audit_marks where name = $1', [
    name,
  ])
  return rows[0]
}
