import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'

interface ButtonProps {
  readonly children: ComponentChildren
  readonly kind?: 'primary' | 'danger' | 'plain'
  /** A promise keeps the button busy, and ignores clicks, until it has settled. */
  readonly onClick?: () => unknown
  readonly type?: 'button' | 'submit'
  readonly disabled?: boolean
  /** Whether work goes on that the button has started in another way, such as by its form. */
  readonly isBusy?: boolean
  /** Takes the focus when it appears. */
  readonly takesFocus?: boolean
  /** What screen readers say instead of the content. */
  readonly label?: string
}

/** A button, which cannot start the same work twice at a time. */
export function Button(props: ButtonProps) {
  const { children, kind = 'plain', onClick, type = 'button', disabled = false, label, takesFocus = false } = props
  const button = useRef<HTMLButtonElement>(null)
  const [isClickBusy, setBusy] = useState(false)
  const isBusy = isClickBusy || props.isBusy === true
  useEffect(() => {
    if (takesFocus) button.current?.focus()
  }, [takesFocus])
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
      ref={button}
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
