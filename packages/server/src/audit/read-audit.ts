import type { Clock } from 'latchkey'
import type { SqlStore } from 'latchkey/sql'
import { KeysetWalk, stepRows, type WalkedPage, type WalkStep } from '../keyset-walk.js'
import { uuidV7Floor } from '../uuid.js'
import { type AuditRecord, taggedColumns } from './audit-record.js'

/** The entries that a query returns: those that match every member. */
export interface AuditFilter {
  readonly account?: string | undefined
  readonly actor?: string | undefined
  readonly session?: string | undefined
  readonly address?: string | undefined
  readonly event?: string | undefined
  readonly outcome?: string | undefined
  /** Entries at this time or later, in milliseconds since 1970. */
  readonly since?: number | undefined
  /** Entries before this time, in milliseconds since 1970. */
  readonly until?: number | undefined
}

/** A page of the log: entries before the entry `before`, newest first. */
export interface AuditQuery extends AuditFilter {
  readonly before: string | undefined
  readonly limit: number
}

/** Each column has an index with the ID. The first one of a query has the fewest entries. */
const filterColumns = [
  ['session', 'session_id'],
  ['account', 'account_id'],
  ['actor', 'actor'],
  ['address', 'address'],
  ['event', 'event'],
  ['outcome', 'outcome'],
] as const satisfies readonly (readonly [keyof AuditFilter, string])[]

/** A member of a filter that an index serves. */
export interface FilterCondition {
  readonly name: (typeof filterColumns)[number][0]
  readonly column: (typeof filterColumns)[number][1]
  readonly value: string
}

/** Returns the members of a filter that an index serves, the narrowest one first. */
export function filterConditions(filter: AuditFilter): readonly FilterCondition[] {
  return filterColumns.flatMap(([name, column]) => {
    const value = filter[name]
    return value === undefined ? [] : [{ name, column, value }]
  })
}

/**
 * Returns entries of the log, newest first. One index serves a query with one filter. With several,
 * the entries of the narrowest filter are read step by step, for at most 80 ms: the page is then
 * short, and its `next` continues where the walk ended. Only a page without `next` is the last one.
 */
export async function readAudit(
  { store, clock }: { readonly store: SqlStore; readonly clock: Clock },
  query: AuditQuery,
): Promise<WalkedPage<AuditRecord>> {
  const startedAt = clock.monotonic()
  const walk = new KeysetWalk<AuditRecord>(query.before, query.limit, (before) => readStep(store, { ...query, before }))
  await walk.advance()
  await walk.advanceInTime(clock, startedAt)
  return walk.page()
}

async function readStep(store: SqlStore, query: AuditQuery): Promise<WalkStep<AuditRecord>> {
  const values: unknown[] = []
  const bound = (value: unknown) => `$${values.push(value)}`
  const [narrowest, ...others] = filterConditions(query)
  // IDs begin with the time, so that one index serves the order, the page and the period.
  const conditions = narrowest === undefined ? [] : [`${narrowest.column} = ${bound(narrowest.value)}`]
  if (query.before !== undefined) conditions.push(`id < ${bound(query.before)}`)
  if (query.since !== undefined) conditions.push(`id >= ${bound(uuidV7Floor(query.since))}`)
  if (query.until !== undefined) conditions.push(`id < ${bound(uuidV7Floor(query.until))}`)
  const read = async <Row extends object>(select: string, tail: string) => {
    const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`
    return (await store.query<Row>(`select ${select} from server_audit ${where} order by id desc ${tail}`, values)).rows
  }
  let end: string | undefined
  if (others.length > 0) {
    end = (await read<{ id: string }>('id', `limit 1 offset ${stepRows[store.dialect] - 1}`))[0]?.id
    if (end !== undefined) conditions.push(`id >= ${bound(end)}`)
    conditions.push(...others.map(({ column, value }) => `${column} = ${bound(value)}`))
  }
  const rows = await read<AuditRecord & { tag: string }>(taggedColumns, `limit ${bound(query.limit + 1)}`)
  return { items: rows.map(({ tag, ...record }) => record), end }
}
