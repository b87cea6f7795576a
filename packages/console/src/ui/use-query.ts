import { useLocation } from 'preact-iso'

/** The query of the URL, which keeps the filters and tabs of a page. */
export interface QueryState {
  /** The value of a parameter; empty if the URL has none. */
  readonly get: (name: string) => string
  /** Changes parameters; an empty value removes one. The browser can go back to the state before. */
  readonly set: (changes: Readonly<Record<string, string>>) => void
  /** Returns the link to this page with changed parameters. */
  readonly href: (changes: Readonly<Record<string, string>>) => string
}

/** Reads and changes the query of the URL. */
export function useQuery(): QueryState {
  const { path, query, route } = useLocation()
  const href = (changes: Readonly<Record<string, string>>) => {
    const kept = Object.entries({ ...query, ...changes }).filter(([, value]) => value !== '')
    const search = new URLSearchParams(kept).toString()
    return search === '' ? path : `${path}?${search}`
  }
  return { get: (name) => query[name] ?? '', set: (changes) => route(href(changes)), href }
}
