import { base, consolePath } from '../base.js'
import { hrefOf, pages } from '../pages.js'
import { overlay } from './overlay.js'
import { recentPages } from './recent-pages.js'
import { signOut } from './sign-out.js'

/** Something that the palette offers. */
export interface PaletteEntry {
  /** Differs from those of all other entries. */
  readonly id: string
  readonly title: string
  /** A link of the console, or an action. */
  readonly target: string | (() => unknown)
}

/** Entries under one heading. */
export interface PaletteGroup {
  readonly title: string
  readonly entries: readonly PaletteEntry[]
}

/** An account that a search has found. */
export interface FoundUser {
  readonly id: string
  readonly email: string
  readonly name: string | null
}

const actions: readonly PaletteEntry[] = [
  { id: 'do-keys', title: 'Show all keys', target: () => (overlay.value = 'keys') },
  { id: 'do-account', title: 'Open your own account', target: () => location.assign(`${base}/account`) },
  { id: 'do-api', title: 'Open the reference of the API', target: () => location.assign(`${base}/docs`) },
  { id: 'do-sign-out', title: 'Sign out', target: signOut },
]

/** Returns what the palette offers for a text. */
export function paletteGroups(text: string, users: readonly FoundUser[]): readonly PaletteGroup[] {
  const words = text.toLowerCase().split(/\s+/)
  const matching = (entries: readonly PaletteEntry[]) =>
    entries.filter(({ title }) => words.every((word) => title.toLowerCase().includes(word)))
  return [
    { title: 'Recent', entries: matching(recentEntries()) },
    { title: 'Pages', entries: matching(pageEntries()) },
    { title: 'Users', entries: users.map(entryOf) },
    { title: 'Actions', entries: matching(actions) },
  ].filter(({ entries }) => entries.length > 0)
}

/** The page that is open now, and those of the navigation, are elsewhere. */
function recentEntries(): readonly PaletteEntry[] {
  const listed = new Set(pages.map(hrefOf))
  return recentPages.value
    .filter(({ path }) => path !== location.pathname && !listed.has(path))
    .map(({ path, title }) => ({ id: `recent-${path}`, title, target: path }))
}

function pageEntries(): readonly PaletteEntry[] {
  return pages
    .filter(({ group }) => group !== undefined)
    .map((page) => ({ id: `page-${page.path}`, title: page.title, target: hrefOf(page) }))
}

function entryOf({ id, email, name }: FoundUser): PaletteEntry {
  return { id: `user-${id}`, title: name === null ? email : `${name}, ${email}`, target: `${consolePath}/users/${id}` }
}
