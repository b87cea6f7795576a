import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { Button } from './button.js'

/** A short message about something that has been done. */
interface Toast {
  readonly id: number
  readonly text: string
  readonly undo: (() => unknown) | undefined
}

const toasts = signal<readonly Toast[]>([])
let last = 0

/** The time for which a message stays. One with a button stays until it is closed. */
const shownMs = 8000

/**
 * Shows a message at the edge of the page, which screen readers announce.
 *
 * @param undo - Takes back what the message says, where that is possible.
 */
export function showToast(text: string, undo?: () => unknown): void {
  last += 1
  // More than three would cover the page.
  toasts.value = [...toasts.value, { id: last, text, undo }].slice(-3)
}

function close(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id)
}

/** The messages. */
export function Toasts() {
  return (
    <div class="toasts" role="status">
      {toasts.value.map((toast) => (
        <ToastBox key={toast.id} toast={toast} />
      ))}
    </div>
  )
}

function ToastBox({ toast: { id, text, undo } }: { readonly toast: Toast }) {
  const isLasting = undo !== undefined
  useEffect(() => {
    if (isLasting) return undefined
    const timer = setTimeout(() => close(id), shownMs)
    return () => clearTimeout(timer)
  }, [id, isLasting])
  const takeBack = async () => {
    close(id)
    await undo?.()
  }
  return (
    <div class="toast">
      <span>{text}</span>
      {isLasting ? (
        <div class="actions">
          <Button onClick={takeBack}>Undo</Button>
          <Button onClick={() => close(id)} label="Close the message">
            ×
          </Button>
        </div>
      ) : null}
    </div>
  )
}
