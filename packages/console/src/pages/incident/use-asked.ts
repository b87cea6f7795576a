import { useEffect, useState } from 'preact/hooks'
import { useLocation } from 'preact-iso'

/**
 * Whether the dialog of the first step is open. It opens by itself if the URL has `ask`, which is
 * removed: a reload must not open it again.
 */
export function useAsked(): readonly [isOpen: boolean, setOpen: (isOpen: boolean) => void] {
  const { url, query, route } = useLocation()
  const isAsked = query.ask !== undefined
  const [isOpen, setOpen] = useState(isAsked)
  useEffect(() => {
    if (isAsked) route(withQuery(url, { ask: undefined }), true)
  }, [isAsked])
  return [isOpen, setOpen]
}

/** Returns a path with changed parameters; `undefined` removes one. */
export function withQuery(url: string, changes: Readonly<Record<string, string | undefined>>): string {
  const changed = new URL(url, location.href)
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) changed.searchParams.delete(name)
    else changed.searchParams.set(name, value)
  }
  return changed.pathname + changed.search
}
