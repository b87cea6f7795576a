import type { ComponentChildren } from 'preact'
import { useLocation } from 'preact-iso'
import { administrator } from './administrator.js'
import { base, consolePath } from './base.js'
import { type ConsolePage, type PageGroup, pages } from './pages.js'

const groups: readonly PageGroup[] = ['Watch', 'Accounts', 'Tokens and keys', 'Records']

/** The navigation, the signed-in account, and the content of a page. */
export function Frame({ children }: { readonly children: ComponentChildren }) {
  return (
    <div class="frame">
      <a class="skip" href="#content">
        Skip to the content
      </a>
      <header class="top">
        <a class="brand" href={consolePath}>
          Latchkey console
        </a>
        <div class="account">
          <span>{administrator.value?.email}</span>
          <a href={`${base}/account`}>Your account</a>
        </div>
      </header>
      <Navigation />
      <main id="content" tabIndex={-1}>
        {children}
      </main>
    </div>
  )
}

function Navigation() {
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

function hrefOf({ path }: ConsolePage): string {
  return path === '/' ? consolePath : consolePath + path
}

/** The page of one user belongs to the users. */
function isCurrent(page: ConsolePage, path: string): boolean {
  const href = hrefOf(page)
  return path.replace(/\/$/, '') === href || (page.path !== '/' && path.startsWith(`${href}/`))
}
