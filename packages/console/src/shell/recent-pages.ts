import { signal } from '@preact/signals'

/** A page that was open. */
export interface RecentPage {
  readonly path: string
  readonly title: string
}

const maxPages = 6

/**
 * The pages that this tab had open, newest first. They are in memory alone, because the titles of
 * some are addresses of people.
 */
export const recentPages = signal<readonly RecentPage[]>([])

/** Puts a page in front of the list. */
export function rememberPage(page: RecentPage): void {
  const others = recentPages.value.filter(({ path }) => path !== page.path)
  recentPages.value = [page, ...others].slice(0, maxPages)
}
