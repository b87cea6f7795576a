/** One page of a list. `next` is the cursor of the following page; `undefined` on the last one. */
export interface Page<T> {
  readonly items: readonly T[]
  readonly next: string | undefined
}

/** Returns the page of a query that selected up to `limit` + 1 rows. */
export function pageOf<T extends { readonly id: string }>(found: readonly T[], limit: number): Page<T> {
  const items = found.slice(0, limit)
  return { items, next: found.length > limit ? items.at(-1)?.id : undefined }
}
