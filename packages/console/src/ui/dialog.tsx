import type { ComponentChildren } from 'preact'
import { useId, useLayoutEffect, useRef } from 'preact/hooks'

interface DialogProps {
  readonly title: string
  /** Called by Escape and by the button in the corner. */
  readonly onClose: () => void
  /** Keeps the dialog open, such as while a request is under way. @defaultValue false */
  readonly isBusy?: boolean
  readonly children: ComponentChildren
}

/**
 * A modal dialog while it is rendered. The browser keeps the focus inside, makes the rest inert, and
 * returns the focus at the end.
 */
export function Dialog({ title, onClose, isBusy = false, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()
  // The focus returns only from an element that is in the document: an effect ends after that.
  useLayoutEffect(() => {
    const element = dialog.current
    element?.showModal()
    return () => element?.close()
  }, [])
  return (
    <dialog
      ref={dialog}
      class="dialog"
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault()
        if (!isBusy) onClose()
      }}
      // A browser lets a page keep a dialog open once only: a further Escape closes it.
      onClose={({ currentTarget }) => {
        if (isBusy && currentTarget.isConnected) currentTarget.showModal()
      }}
    >
      <header class="dialog-header">
        <h2 id={id}>{title}</h2>
        <button type="button" class="button plain close" aria-label="Close" disabled={isBusy} onClick={onClose}>
          ×
        </button>
      </header>
      {children}
    </dialog>
  )
}
