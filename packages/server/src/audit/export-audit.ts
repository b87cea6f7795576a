import type { SqlClient } from 'latchkey/sql'
import { uuidV7Floor } from '../uuid.js'
import { type ChainPoint, type TaggedRecord, taggedColumns } from './audit-record.js'

/** An exported entry: with its tag, and its place in the chain if it is linked. */
export interface ExportedRecord
  extends TaggedRecord,
    Partial<{ readonly [Name in keyof ChainPoint]: ChainPoint[Name] | null }> {}

/** The exported period in milliseconds since 1970: from `since` on, and before `until`. */
export interface ExportPeriod {
  readonly since?: number | undefined
  readonly until?: number | undefined
}

const pageSize = 1000

/** Yields the entries of the log, oldest first, read page by page. */
export async function* exportAudit(
  client: SqlClient,
  { since = 0, until }: ExportPeriod,
): AsyncGenerator<ExportedRecord> {
  // Less than every ID of the period.
  let after = uuidV7Floor(since)
  const end = until === undefined ? 'g' : uuidV7Floor(until)
  for (;;) {
    const { rows } = await client.query<ExportedRecord>(
      `select ${taggedColumns}, seq, link from server_audit where id > $1 and id < $2 order by id limit $3`,
      [after, end, pageSize],
    )
    yield* rows
    const last = rows.at(-1)
    if (last === undefined || rows.length < pageSize) return
    after = last.id
  }
}
