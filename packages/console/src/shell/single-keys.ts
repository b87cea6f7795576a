import { signal } from '@preact/signals'

const name = 'latchkey-console-single-keys'

/**
 * Whether keys without a modifier are shortcuts. People who speak to their computer must be able to
 * turn them off (WCAG 2.2, 2.1.4).
 */
export const hasSingleKeys = signal(read())

/** Turns the shortcuts of one character on or off, in this browser. */
export function setSingleKeys(isOn: boolean): void {
  hasSingleKeys.value = isOn
  try {
    localStorage.setItem(name, isOn ? 'on' : 'off')
  } catch {
    // The browser stores nothing for this site: the choice holds until the page is left.
  }
}

function read(): boolean {
  try {
    return localStorage.getItem(name) !== 'off'
  } catch {
    return true
  }
}
