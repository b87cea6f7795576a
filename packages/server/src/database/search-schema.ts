/**
 * Returns the SQL of a search text in which every word begins with two spaces, so that the
 * trigrams of its beginning differ from those inside of words: `  ada  lovelace    ada@…`.
 * `newline`: the function of the database that returns a character.
 */
function paddedSearchText(column: string, newline: 'chr(10)' | 'char(10)'): string {
  return `'  ' || replace(replace(${column}, ${newline}, '  '), ' ', '  ')`
}

/** An index of PostgreSQL that is built beside writers. */
export interface LargeIndex {
  readonly name: string
  readonly table: string
  /** The part of `create index` after `on`. */
  readonly on: string
}

/**
 * The trigrams of a search text. Not `pg_trgm`: a role may not be allowed to create an extension,
 * and in the locale C `pg_trgm` ignores every letter outside of ASCII.
 *
 * The cost keeps the planner from evaluating the function for each row of the table, and
 * `parallel restricted` from starting workers, which takes longer than a search.
 */
export const trigramFunction = `
  create or replace function server_search_trigrams(text) returns text[]
  language sql immutable strict parallel restricted cost 1000 as $$
    select array(
      select substr(padded, n, 3)
      from (select ${paddedSearchText('$1', 'chr(10)')} as padded offset 0) as texts, generate_series(1, length(padded) - 2) n
    )
  $$`

/** The indexed expression. The collation C compares bytes, whatever the locale of the database. */
export const trigramExpression = 'server_search_trigrams(search_text) collate "C"'

/** The name of the index of search texts. */
export const searchIndex = 'server_accounts_by_trigrams'

const auditIndexes = [
  { name: 'server_audit_of_actor', column: 'actor' },
  { name: 'server_audit_of_address', column: 'address' },
  { name: 'server_audit_of_session', column: 'session_id' },
  { name: 'server_audit_of_outcome', column: 'outcome' },
].map(({ name, column }) => ({ name, table: 'server_audit', on: `server_audit (${column}, id)` }))

/**
 * Sets of few accounts, each with an index by ID, so that a filter of the list of accounts need not
 * read all of them. None has the time of the last sign-in in it: an index on that column would make
 * every sign-in write to it.
 */
export const accountSets = {
  admins: { name: 'server_accounts_admins', where: "role = 'admin'" },
  disabled: { name: 'server_accounts_disabled', where: 'disabled_at is not null' },
  unverified: { name: 'server_accounts_unverified', where: 'disabled_at is null and email_verified_at is null' },
  withFactor: { name: 'server_accounts_with_factor', where: 'second_factor = 1' },
} as const

const setIndexes = Object.values(accountSets).map(({ name, where }) => ({
  name,
  table: 'server_accounts',
  on: `server_accounts (id) where ${where}`,
}))

/** The indexes that PostgreSQL has beside those of the migrations. */
export const largeIndexes: readonly LargeIndex[] = [
  {
    name: searchIndex,
    table: 'server_accounts',
    // A search also reads the whole list of pending entries, so the list stays short.
    on: `server_accounts using gin (${trigramExpression}) with (gin_pending_list_limit = 256)`,
  },
  ...auditIndexes,
  ...setIndexes,
]

const padded = (row: 'old' | 'new') => paddedSearchText(`${row}.search_text`, 'char(10)')

const addSearchText = `
  insert into server_search_rows (account_id) select new.id where new.search_text is not null;
  insert into server_search (rowid, padded) select number, ${padded('new')}
    from server_search_rows where account_id = new.id;`

// FTS5 keeps no text, so that a deletion must name the text that was added.
const removeSearchText = `
  insert into server_search (server_search, rowid, padded) select 'delete', number, ${padded('old')}
    from server_search_rows where account_id = old.id;
  delete from server_search_rows where account_id = old.id;`

/**
 * The index of search texts in SQLite, kept by triggers, so that a program of an earlier version
 * updates it as well. `server_search_rows` numbers the accounts: VACUUM may change row IDs of a
 * table whose primary key is a text. An account has a row there exactly when its text is in the
 * index. `server_search_progress` has one row until the accounts of earlier versions are in it.
 */
export const sqliteSchema: readonly string[] = [
  'create table if not exists server_search_rows (number integer primary key, account_id text not null unique)',
  `create virtual table if not exists server_search using fts5 (
     padded, content = '', columnsize = 0, detail = none, tokenize = 'trigram case_sensitive 1')`,
  'create table if not exists server_search_progress (name text primary key, after text not null)',
  `create trigger if not exists server_search_insert after insert on server_accounts begin ${addSearchText} end`,
  `create trigger if not exists server_search_delete after delete on server_accounts begin ${removeSearchText} end`,
  `create trigger if not exists server_search_update after update of search_text on server_accounts
   when old.search_text is not new.search_text begin ${removeSearchText} ${addSearchText} end`,
  ...[...auditIndexes, ...setIndexes].map(({ name, on }) => `create index if not exists ${name} on ${on}`),
]

/** The last index of `sqliteSchema`: a data file that has it has all. */
export const newestSqliteIndex = accountSets.withFactor.name

/** Returns the SQL of the padded text of an account in SQLite. */
export const sqlitePadded = paddedSearchText('search_text', 'char(10)')
