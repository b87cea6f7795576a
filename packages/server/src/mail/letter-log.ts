import type { SqlClient } from 'latchkey/sql'
import type { EmailKind } from './email.js'

/** The fates of a letter. `withheld`: the mailbox had too many. `dropped`: by an administrator. */
export const letterOutcomes = ['sent', 'failed', 'withheld', 'dropped'] as const

/** The record of a letter that has left the outbox, without its text, link and address. */
export interface LetterRecord {
  /** The ID that the letter had in the outbox, which begins with the time of its cause. */
  readonly id: string
  /** The account that the letter was about; `null` if there is none. */
  readonly account: string | null
  /** The template; `unreadable` for an entry that could not be decrypted. */
  readonly kind: EmailKind | 'unreadable'
  /** Milliseconds since 1970. */
  readonly at: number
  readonly outcome: (typeof letterOutcomes)[number]
}

/** The time for which a record is kept. */
const keepMs = 90 * 86_400_000

/** Records that are deleted in one statement. */
const pruneSize = 1000

/**
 * Records the fate of a letter, in the caller's transaction; does nothing if its account does not
 * exist any more. A second record of the same letter is ignored.
 */
export async function recordLetter(client: SqlClient, { id, account, kind, at, outcome }: LetterRecord): Promise<void> {
  await client.query(
    `insert into server_letters (id, account_id, kind, at, outcome)
     select $1, cast($2 as text), $3, cast($4 as bigint), $5
     where cast($2 as text) is null or exists (select 1 from server_accounts where id = $2)
     on conflict (id) do nothing`,
    [id, account, kind, at, outcome],
  )
}

/** Returns records, newest first. */
export async function listLetters(
  client: SqlClient,
  { account, before, limit }: { account: string | undefined; before: string | undefined; limit: number },
): Promise<LetterRecord[]> {
  const values: unknown[] = [limit]
  const bound = (value: unknown) => `$${values.push(value)}`
  const conditions = [
    ...(account === undefined ? [] : [`account_id = ${bound(account)}`]),
    ...(before === undefined ? [] : [`id < ${bound(before)}`]),
  ]
  const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`
  const { rows } = await client.query<LetterRecord>(
    `select id, account_id as account, kind, at, outcome from server_letters ${where} order by id desc limit $1`,
    values,
  )
  return rows
}

/** Deletes the records of letters that left the outbox 90 days ago. */
export async function pruneLetters(client: SqlClient, nowMs: number): Promise<void> {
  for (;;) {
    const { rows } = await client.query(
      `delete from server_letters where id in
         (select id from server_letters where at < $1 order by at limit $2) returning id`,
      [nowMs - keepMs, pruneSize],
    )
    if (rows.length < pruneSize) return
  }
}
