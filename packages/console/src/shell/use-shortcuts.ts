import { useLayoutEffect } from 'preact/hooks'
import { useLocation } from 'preact-iso'
import { hrefOf, pages } from '../pages.js'
import { overlay } from './overlay.js'
import { hasSingleKeys } from './single-keys.js'

/** The time in which a letter has to follow "g". */
const sequenceMs = 1500

/**
 * Listens for the keys of the console. Keys without a modifier never count in a field or in a
 * dialog, or if they are turned off.
 */
export function useShortcuts(): void {
  const { route } = useLocation()
  // Before the first picture, so that a key that is pressed at its sight counts.
  useLayoutEffect(() => {
    let goUntilMs = 0
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || isInDialog()) return
      if (isPaletteKey(event)) {
        event.preventDefault()
        overlay.value = 'palette'
        return
      }
      if (!hasSingleKeys.value || hasModifier(event) || isInField(event)) return
      const isAfterGo = event.timeStamp < goUntilMs
      goUntilMs = 0
      const page = isAfterGo ? pages.find(({ shortcut }) => shortcut === event.key) : undefined
      if (page !== undefined) route(hrefOf(page))
      else if (event.key === 'g') goUntilMs = event.timeStamp + sequenceMs
      else if (event.key === '?') overlay.value = 'keys'
      else if (event.key === '/') search()
      else return
      event.preventDefault()
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [route])
}

function isPaletteKey({ key, ctrlKey, metaKey, altKey, shiftKey }: KeyboardEvent): boolean {
  return key.toLowerCase() === 'k' && ctrlKey !== metaKey && !altKey && !shiftKey
}

/** Shift is part of typing "?". */
function hasModifier({ ctrlKey, metaKey, altKey }: KeyboardEvent): boolean {
  return ctrlKey || metaKey || altKey
}

function isInField({ target }: KeyboardEvent): boolean {
  return target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable]') !== null
}

function isInDialog(): boolean {
  return document.querySelector('dialog[open]') !== null
}

/** Moves the focus to the search of the page; a page without one opens the palette. */
function search(): void {
  const field = document.querySelector<HTMLInputElement>('main input[type="search"]')
  if (field === null) overlay.value = 'palette'
  else field.focus()
}
