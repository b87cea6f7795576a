import type { FunctionComponent } from 'preact'
import { consolePath } from './base.js'
import { lazyPage as lazy } from './lazy-page.js'

/** The parts of the navigation. */
export type PageGroup = 'Watch' | 'Accounts' | 'Tokens and keys' | 'Records'

/** A page of the console. */
export interface ConsolePage {
  /** Below the path of the console, with parameters such as `:id`. */
  readonly path: string
  readonly title: string
  /** `undefined`: the page is not in the navigation, because it needs a parameter. */
  readonly group: PageGroup | undefined
  /** The key after "g" that opens the page. */
  readonly shortcut: string | undefined
  /** Reads its parameters by `useRoute`. */
  readonly component: FunctionComponent
}

/** All pages, in the order of the navigation. Each one is loaded when it is opened. */
export const pages: readonly ConsolePage[] = [
  page('/', 'Overview', {
    group: 'Watch',
    shortcut: 'o',
    component: lazy(() => import('./pages/overview/overview-page.js')),
  }),
  page('/incident', 'Incident', {
    group: 'Watch',
    shortcut: 'i',
    component: lazy(() => import('./pages/incident/incident-page.js')),
  }),
  page('/users', 'Users', {
    group: 'Accounts',
    shortcut: 'u',
    component: lazy(() => import('./pages/users/users-page.js')),
  }),
  page('/users/:id', 'User', { component: lazy(() => import('./pages/user/user-page.js')) }),
  page('/clients', 'Clients', {
    group: 'Accounts',
    shortcut: 'c',
    component: lazy(() => import('./pages/clients/clients-page.js')),
  }),
  page('/inspector', 'Token inspector', {
    group: 'Tokens and keys',
    shortcut: 't',
    component: lazy(() => import('./pages/inspector/inspector-page.js')),
  }),
  page('/rotation', 'Rotation', {
    group: 'Tokens and keys',
    shortcut: 'r',
    component: lazy(() => import('./pages/rotation/rotation-page.js')),
  }),
  page('/keys', 'Keys', {
    group: 'Tokens and keys',
    shortcut: 'k',
    component: lazy(() => import('./pages/keys/keys-page.js')),
  }),
  page('/audit', 'Audit log', {
    group: 'Records',
    shortcut: 'a',
    component: lazy(() => import('./pages/audit/audit-page.js')),
  }),
  page('/letters', 'Letters', {
    group: 'Records',
    shortcut: 'l',
    component: lazy(() => import('./pages/letters/letters-page.js')),
  }),
  page('/settings', 'Settings', {
    group: 'Records',
    shortcut: 's',
    component: lazy(() => import('./pages/settings/settings-page.js')),
  }),
]

/** Returns the address of a page of the navigation. */
export function hrefOf({ path }: Pick<ConsolePage, 'path'>): string {
  return path === '/' ? consolePath : consolePath + path
}

function page(
  path: string,
  title: string,
  { group, shortcut, component }: Partial<Pick<ConsolePage, 'group' | 'shortcut'>> & Pick<ConsolePage, 'component'>,
): ConsolePage {
  return { path, title, group, shortcut, component }
}
