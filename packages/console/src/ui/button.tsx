import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'

interface ButtonProps {
  readonly children: ComponentChildren
  readonly kind?: 'primary' | 'danger' | 'plain'
  /** A promise keeps the button busy, and ignores clicks, until it has settled. */
  readonly onClick?: () => unknown
  readonly type?: 'button' | 'submit'
  readonly disabled?: boolean
  /** What screen readers say instead of the content. */
  readonly label?: string
}

/** A button, which cannot start the same work twice at a time. */
export function Button({ children, kind = 'plain', onClick, type = 'button', disabled = false, label }: ButtonProps) {
  const [isBusy, setBusy] = useState(false)
  const click = async () => {
    if (isBusy || onClick === undefined) return
    setBusy(true)
    try {
      await onClick()
    } finally {
      setBusy(false)
    }
  }
  return (
    <button
      type={type}
      class={`button ${kind}`}
      disabled={disabled}
      aria-busy={isBusy}
      {...(label === undefined ? {} : { 'aria-label': label })}
      onClick={() => void click()}
    >
      {children}
    </button>
  )
}
