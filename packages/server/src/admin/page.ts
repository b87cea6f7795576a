/** One part of a list; `next` is where the following part begins, `undefined` at the end. */
export interface Page<T> {
  readonly items: readonly T[]
  readonly next: string | undefined
}

/** The page of what was found when one more than `limit` was asked for. */
export function pageOf<T extends { readonly id: string }>(found: readonly T[], limit: number): Page<T> {
  const items = found.slice(0, limit)
  return { items, next: found.length > limit ? items.at(-1)?.id : undefined }
}
