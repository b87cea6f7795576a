import { signal } from '@preact/signals'

/** The dialog of the frame that is open: the palette or the list of keys. */
export const overlay = signal<'palette' | 'keys' | undefined>(undefined)

/** Closes the dialog of the frame. */
export function closeOverlay(): void {
  overlay.value = undefined
}
