import { signal } from '@preact/signals'
import { rememberPage } from './recent-pages.js'

/** The text that screen readers announce after a navigation. */
export const announcement = signal('')

let isArriving = false

/**
 * Moves the focus to the content, because the link that was followed may be gone. Called by the
 * router once the address has changed and its page is rendered.
 */
export function beginArrival(): void {
  isArriving = true
  document.querySelector('main')?.focus({ preventScroll: true })
}

/**
 * Moves the focus on to the title of the page and announces it, unless the administrator has moved
 * the focus meanwhile. Called whenever a page has a new title.
 */
export function endArrival(title: string): void {
  document.title = `${title} – Latchkey console`
  rememberPage({ path: location.pathname, title })
  if (!isArriving) return
  isArriving = false
  announcement.value = title
  const { activeElement } = document
  if (activeElement !== document.body && activeElement !== document.querySelector('main')) return
  document.querySelector<HTMLElement>('main h1')?.focus({ preventScroll: true })
}
