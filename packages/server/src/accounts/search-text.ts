import { domainToUnicode } from 'node:url'
import type { SqlClient } from 'latchkey/sql'

/** The members of an account that a search compares. */
export interface SearchedAccount {
  readonly email: string
  readonly name: string | null
}

/**
 * Returns the form in which texts are compared: without differences of case, of Unicode composition
 * (NFKC) and of Greek's final sigma, and without the dot that Turkish keeps on a lower-case I. Done
 * here because databases fold differently, and only ASCII in the locale C.
 */
export function foldText(text: string): string {
  // Decomposed first, because a letter that loses its dot composes with the marks after it.
  const folded = text.normalize('NFKD').toLowerCase().toUpperCase().toLowerCase()
  return folded
    .replaceAll(/i\u0307+/g, 'i')
    .replaceAll('ς', 'σ')
    .normalize('NFKC')
}

/** Returns the text that a search compares: name and address, with the domain also in Unicode. */
export function searchTextOf({ email, name }: SearchedAccount): string {
  const at = email.lastIndexOf('@') + 1
  const written = email.slice(0, at) + domainToUnicode(email.slice(at))
  return foldText([name ?? '', ...new Set([email, written])].join('\n'))
}

const batchSize = 500

/**
 * Stores the search text of accounts without one: accounts that an earlier version has created.
 * Each row is written by itself, so that no lock is held while waiting for another.
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
