import type { SqlClient } from 'latchkey/sql'
import { uuidV7Floor } from '../uuid.js'
import { type ChainPoint, type TaggedRecord, taggedColumns } from './audit-record.js'
import { type AuditFilter, filterConditions } from './read-audit.js'

/** An exported entry: with its tag, and its place in the chain if it is linked. */
export interface ExportedRecord
  extends TaggedRecord,
    Partial<{ readonly [Name in keyof ChainPoint]: ChainPoint[Name] | null }> {}

const pageSize = 1000

/**
 * Yields the entries of the log that match every member of the filter, oldest first, read page by
 * page. The index of the narrowest member serves the pages.
 */
export async function* exportAudit(client: SqlClient, filter: AuditFilter): AsyncGenerator<ExportedRecord> {
  const { since = 0, until } = filter
  const [narrowest, ...others] = filterConditions(filter)
  const values = narrowest === undefined ? [] : [narrowest.value]
  const condition = narrowest === undefined ? '' : `and ${narrowest.column} = $4`
  const isMatch = (record: ExportedRecord) => others.every(({ name, value }) => record[name] === value)
  // Less than every ID of the period.
  let after = uuidV7Floor(since)
  const end = until === undefined ? 'g' : uuidV7Floor(until)
  for (;;) {
    const { rows } = await client.query<ExportedRecord>(
      `select ${taggedColumns}, seq, link from server_audit where id > $1 and id < $2 ${condition} order by id limit $3`,
      [after, end, pageSize, ...values],
    )
    yield* rows.filter(isMatch)
    const last = rows.at(-1)
    if (last === undefined || rows.length < pageSize) return
    after = last.id
  }
}
