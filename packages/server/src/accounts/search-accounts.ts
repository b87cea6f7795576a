import type { SqlStore } from 'latchkey/sql'
import type { Core } from '../core.js'
import { searchIndex, trigramExpression } from '../database/search-schema.js'
import { KeysetWalk, stepRows, type WalkedPage, type WalkStep } from '../keyset-walk.js'
import { type AccountFilter, type AccountSelection, selectionOf } from './account-filter.js'
import { type Account, accountColumns, findAccountByEmail } from './account-table.js'
import { tryCanonicalEmail } from './email-address.js'
import { type SearchTerm, searchTermOf } from './search-term.js'

/**
 * A page of accounts: those that match the filter and `search`, if it is not empty, and have an ID
 * greater than `after`.
 */
export interface AccountQuery extends AccountFilter {
  readonly search: string
  readonly after: string
  readonly limit: number
}

/** Rows that are read before the index is asked. */
const minWalkedRows = 2500

/** A page that a walk is likely to fill within this number of rows is not read from the index. */
const maxWalkedRows = 20_000

/**
 * The most accounts that are taken from the index and sorted. A walk finds a term sooner that more
 * of them contain. Fewer on SQLite, which reads all of them in one turn of the event loop.
 */
const maxCandidates = { postgres: 2500, sqlite: 1000 } as const satisfies Record<SqlStore['dialect'], number>

/** The accounts of a list: those that match the term, if there is one, and the selection. */
interface Matching extends AccountSelection {
  readonly term: SearchTerm | undefined
}

/**
 * Returns the account whose address is `search`, or else accounts that match it, oldest first. A
 * text of three characters or more matches a part of the name or of the address; a shorter one, the
 * beginning of a word of them. Letter case and Unicode composition do not matter. In any case,
 * accounts must match the filter.
 *
 * Frequent texts are found by a walk in the order of IDs, rare ones by the index of trigrams. Where
 * that index is missing or of no use, and with filters that no index serves, the walk ends after 80
 * ms: the page is then short, and its `next` continues where the walk ended. Only a page without
 * `next` is the last one.
 */
export async function searchAccounts(
  { store, clock }: Pick<Core, 'store' | 'clock'>,
  { search, after, limit, ...filter }: AccountQuery,
): Promise<WalkedPage<Account>> {
  const selection = await selectionOf(store, filter)
  const hasSearch = search.trim() !== ''
  const named = hasSearch ? await findAccountByEmail(store, tryCanonicalEmail(search)) : undefined
  if (named !== undefined) {
    const isFound = named.id > after && (await isSelected(store, named, selection))
    return { items: isFound ? [named] : [], next: undefined }
  }
  const term = hasSearch ? searchTermOf(search) : undefined
  if (hasSearch && term === undefined) return { items: [], next: undefined }

  const startedAt = clock.monotonic()
  const matching = { ...selection, term }
  const walk = new KeysetWalk<Account>(after, limit, (from = after) => walkAccounts(store, matching, { from, limit }))
  do await walk.advance()
  while (!walk.isDone && isWalkable(walk, store.dialect, limit))
  if (!walk.isDone && term !== undefined) {
    const rest = await readByIndex(store, { ...selection, term }, { from: walk.position ?? after, limit })
    if (rest !== undefined) walk.finish(rest)
  }
  await walk.advanceInTime(clock, startedAt)
  return walk.page()
}

async function isSelected(store: SqlStore, { id }: Account, { conditions }: AccountSelection): Promise<boolean> {
  const values: unknown[] = [id]
  const where = ['id = $1', ...conditions(values)].join(' and ')
  return (await store.query(`select 1 from server_accounts where ${where}`, values)).rows.length > 0
}

/** Returns whether the rows so far had enough matches for a walk to fill the page soon. */
function isWalkable(walk: KeysetWalk<Account>, dialect: SqlStore['dialect'], limit: number): boolean {
  const walkedRows = walk.steps * stepRows[dialect]
  return walkedRows < minWalkedRows || ((limit + 1) * walkedRows) / walk.found <= maxWalkedRows
}

/** The rest of a list: after the ID `from`, one more than `limit`. */
interface Rest {
  readonly from: string
  readonly limit: number
}

async function walkAccounts(store: SqlStore, matching: Matching, { from, limit }: Rest): Promise<WalkStep<Account>> {
  const base = matching.base === '' ? '' : `and ${matching.base}`
  const { rows: ends } = await store.query<{ id: string }>(
    `select id from server_accounts where id > $1 ${base} order by id limit 1 offset ${stepRows[store.dialect] - 1}`,
    [from],
  )
  const end = ends[0]?.id
  const values: unknown[] = [from, limit + 1]
  const matches = matchOf(matching, values)
  const upTo = end === undefined ? '' : `and id <= $${values.push(end)}`
  const { rows } = await store.query<Account>(
    `select ${accountColumns} from server_accounts where id > $1 ${upTo} and ${matches} order by id limit $2`,
    values,
  )
  return { items: rows, end }
}

/**
 * Returns the matching accounts from the index; `undefined` if there is none to use, or if more
 * accounts may match than should be sorted.
 */
async function readByIndex(
  store: SqlStore,
  matching: Matching & { readonly term: SearchTerm },
  { from, limit }: Rest,
): Promise<readonly Account[] | undefined> {
  if (!(await hasIndex(store))) return undefined
  const values: unknown[] = [from, limit + 1]
  const matches = matchOf(matching, values)
  // The outer join returns the number of candidates even if none of them matches.
  const { rows } = await store.query<{ candidates: number | string } & Partial<Account>>(
    `with candidates as materialized (
       select id, fits from (${candidatesOf(store.dialect, matching.term, { matches, values })}) as indexed
       union all
       select id, fits from (
         select id, ${matches} as fits from server_accounts
         where search_text is null and id > $1 limit ${maxCandidates[store.dialect] + 1}
       ) as unindexed
     )
     select candidates, found.* from (select count(*) as candidates from candidates) as counted left join (
       select ${accountColumns} from server_accounts
       where id in (select id from candidates where fits order by id limit $2)
     ) as found on true order by id`,
    values,
  )
  if (Number(rows[0]?.candidates) > maxCandidates[store.dialect]) return undefined
  return rows.filter(isFound).map(({ candidates: _, ...account }) => account)
}

function isFound<T extends Partial<Account>>(row: T): row is T & Account {
  return typeof row.id === 'string'
}

/** Returns whether the index exists and is complete. */
async function hasIndex(store: SqlStore): Promise<boolean> {
  const { rows } = await store.query(
    store.dialect === 'postgres'
      ? `select 1 from pg_index where indexrelid = to_regclass('${searchIndex}') and indisvalid`
      : 'select 1 where not exists (select 1 from server_search_progress)',
  )
  return rows.length > 0
}

/**
 * Returns the SQL of the accounts, in no order, whose text has every trigram of the term: `id`, and
 * `fits` where the condition `matches` holds as well.
 */
function candidatesOf(
  dialect: SqlStore['dialect'],
  { trigrams }: SearchTerm,
  { matches, values }: { readonly matches: string; readonly values: unknown[] },
): string {
  const most = `limit ${maxCandidates[dialect] + 1}`
  if (dialect === 'postgres') {
    const places = trigrams.map((trigram) => `$${values.push(trigram)}`)
    // Not `id > $1`, for which the planner may read the primary key of half the table as well.
    return `select id, ${matches} as fits from server_accounts
      where ${trigramExpression} @> array[${places.join(', ')}]::text[] and id || '' > $1 ${most}`
  }
  const query = trigrams.map((trigram) => `"${trigram.replaceAll('"', '""')}"`).join(' ')
  return `select id, ${matches} as fits from server_search
    join server_search_rows on number = server_search.rowid join server_accounts on id = account_id
    where server_search match $${values.push(query)} and account_id > $1 ${most}`
}

/** Returns the SQL of the condition that an account matches the term and the filter. */
function matchOf({ term, conditions }: Matching, values: unknown[]): string {
  const all = [...(term === undefined ? [] : [termMatchOf(term, values)]), ...conditions(values)]
  return all.length === 0 ? 'true' : `(${all.join(' and ')})`
}

function termMatchOf({ patterns }: SearchTerm, values: unknown[]): string {
  const places = patterns.map((pattern) => `$${values.push(pattern)}`)
  const anyOf = (text: string) => places.map((place) => `${text} like ${place} escape '\\'`).join(' or ')
  // An earlier version of this program has written no search text.
  return `case when search_text is not null then ${anyOf('search_text')}
    else ${anyOf('email')} or ${anyOf("lower(coalesce(name, ''))")} end`
}
