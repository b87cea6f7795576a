import { useEffect, useRef, useState } from 'preact/hooks'
import { useLocation } from 'preact-iso'
import { type ConsolePage, hrefOf, type PageGroup, pages } from '../pages.js'

const groups: readonly PageGroup[] = ['Watch', 'Accounts', 'Tokens and keys', 'Records']

/** The width below which the navigation is a menu. `style.css` has the same one. */
const narrow = matchMedia('(width < 48rem)')

/** The navigation: beside the content, or a menu above it on a narrow screen. */
export function Navigation() {
  return useIsNarrow() ? <Menu /> : <Links />
}

function Links() {
  const { path } = useLocation()
  return (
    <nav class="navigation" aria-label="Console">
      {groups.map((group) => (
        <div key={group} class="group">
          <h2>{group}</h2>
          <ul>
            {pages
              .filter((page) => page.group === group)
              .map((page) => (
                <li key={page.path}>
                  <a href={hrefOf(page)} aria-current={isCurrent(page, path) ? 'page' : undefined}>
                    {page.title}
                  </a>
                </li>
              ))}
          </ul>
        </div>
      ))}
    </nav>
  )
}

/** A menu that a navigation and Escape close. */
function Menu() {
  const details = useRef<HTMLDetailsElement>(null)
  const { path } = useLocation()
  useEffect(() => {
    if (details.current !== null) details.current.open = false
  }, [path])
  const onKeyDown = ({ key }: KeyboardEvent) => {
    if (key !== 'Escape' || details.current === null) return
    details.current.open = false
    details.current.querySelector('summary')?.focus()
  }
  return (
    <details class="menu" ref={details} onKeyDown={onKeyDown}>
      <summary>Menu</summary>
      <Links />
    </details>
  )
}

/** The page of one user belongs to the users. */
function isCurrent(page: ConsolePage, path: string): boolean {
  const href = hrefOf(page)
  return path === href || (page.path !== '/' && path.startsWith(`${href}/`))
}

function useIsNarrow(): boolean {
  const [isNarrow, setNarrow] = useState(narrow.matches)
  useEffect(() => {
    const listen = ({ matches }: MediaQueryListEvent) => setNarrow(matches)
    narrow.addEventListener('change', listen)
    return () => narrow.removeEventListener('change', listen)
  }, [])
  return isNarrow
}
