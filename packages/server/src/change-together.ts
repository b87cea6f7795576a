import type { SqlClient, SqlStore } from 'latchkey/sql'

/** A statement with its values. */
export interface Statement {
  readonly text: string
  readonly values: readonly unknown[]
}

/** A statement that changes rows only where a condition holds. */
export interface ConditionalChange {
  /** Returns the text with the condition in its `where` clause. */
  readonly text: (condition: string) => string
  readonly values: readonly unknown[]
}

/** Changes of one transaction that need no answer in between. They change different rows. */
export interface Changes {
  /** Decides: if it returns no row, nothing else is changed. Ends with `returning`. */
  readonly first: Statement
  readonly others: readonly ConditionalChange[]
  /** Reads one number as `value`. On PostgreSQL it sees the rows as they were before the changes. */
  readonly read: Statement
}

/**
 * Runs several changes in the caller's transaction: as one statement on PostgreSQL, where each
 * round trip counts, and one after another on SQLite, which has no changes in `with`.
 *
 * The others read the rows of `first`, so that its locks are taken before theirs.
 *
 * @returns the number that `read` has read; `undefined` if `first` matched no row
 */
export async function changeTogether(
  client: SqlClient,
  { dialect }: Pick<SqlStore, 'dialect'>,
  { first, others, read }: Changes,
): Promise<number | undefined> {
  if (dialect === 'postgres') {
    const { parts, values } = joined([first, ...others.map((change) => bound(change, 'exists (select from change_0)'))])
    const last = shifted(read, values.length)
    const text = `with ${parts.join(', ')} select (${last.text}) as value from change_0`
    const { rows } = await client.query<{ value: number }>(text, [...values, ...last.values])
    return rows[0]?.value
  }
  const decided = await client.query(first.text, first.values)
  if (decided.rows.length === 0) return undefined
  for (const change of others) await client.query(change.text('true'), change.values)
  const { rows } = await client.query<{ value: number }>(read.text, read.values)
  return rows[0]?.value
}

/** Runs changes without a condition, in the same way. */
export async function runTogether(
  client: SqlClient,
  { dialect }: Pick<SqlStore, 'dialect'>,
  changes: readonly ConditionalChange[],
): Promise<void> {
  const statements = changes.map((change) => bound(change, 'true'))
  if (dialect === 'postgres' && statements.length > 1) {
    const { parts, values } = joined(statements)
    await client.query(`with ${parts.join(', ')} select 1`, values)
    return
  }
  for (const { text, values } of statements) await client.query(text, values)
}

function bound({ text, values }: ConditionalChange, condition: string): Statement {
  return { text: text(condition), values }
}

function joined(statements: readonly Statement[]): { readonly parts: readonly string[]; readonly values: unknown[] } {
  const values: unknown[] = []
  const parts = statements.map((statement, index) => {
    const { text } = shifted(statement, values.length)
    values.push(...statement.values)
    return `change_${index} as (${text})`
  })
  return { parts, values }
}

/** Returns the statement with its placeholders numbered after `offset` others. */
function shifted({ text, values }: Statement, offset: number): Statement {
  return { text: text.replaceAll(/\$(\d+)/g, (_, number: string) => `$${Number(number) + offset}`), values }
}
