import { domainToUnicode } from 'node:url'
import type { SqlClient } from 'latchkey/sql'

/** What an account is found by. */
export interface SearchedAccount {
  readonly email: string
  readonly name: string | null
}

/**
 * Returns the spelling in which texts are compared: without differences of case, of composition
 * (NFKC) and of Greek's final sigma, and without the dot that Turkish keeps on a small I. Databases
 * differ in what they fold, and know only ASCII in the locale C.
 */
export function foldText(text: string): string {
  // Decomposed first: what is left of a letter without its dot composes with the marks behind.
  const folded = text.normalize('NFKD').toLowerCase().toUpperCase().toLowerCase()
  return folded
    .replaceAll(/i\u0307+/g, 'i')
    .replaceAll('ς', 'σ')
    .normalize('NFKC')
}

/** Returns the text of an account that a search looks through: name and address, the domain also as people write it. */
export function searchTextOf({ email, name }: SearchedAccount): string {
  const at = email.lastIndexOf('@') + 1
  const written = email.slice(0, at) + domainToUnicode(email.slice(at))
  return foldText([name ?? '', ...new Set([email, written])].join('\n'))
}

const batchSize = 500

/**
 * Stores the search text of accounts that have none yet: those from before there was one, and those
 * that a server of an earlier version has made. Each row is written by itself, so that this never
 * holds one lock while it waits for another.
 */
export async function fillSearchTexts(client: SqlClient): Promise<void> {
  for (let after = ''; ; ) {
    const { rows } = await client.query<SearchedAccount & { id: string }>(
      `select id, email, name from server_accounts
       where search_text is null and id > $1 order by id limit ${batchSize}`,
      [after],
    )
    const last = rows.at(-1)
    if (last === undefined) return
    for (const row of rows) {
      await client.query('update server_accounts set search_text = $2 where id = $1 and search_text is null', [
        row.id,
        searchTextOf(row),
      ])
    }
    after = last.id
  }
}
