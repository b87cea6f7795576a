import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'

interface CheckFieldProps {
  readonly label: string
  readonly hint?: ComponentChildren
  readonly checked: boolean
  readonly onChange: (checked: boolean) => void
}

/** A labelled checkbox. */
export function CheckField({ label, hint, checked, onChange }: CheckFieldProps) {
  const id = useId()
  return (
    <div class="field">
      <div class="check">
        <input
          id={id}
          type="checkbox"
          checked={checked}
          {...(hint === undefined ? {} : { 'aria-describedby': `${id}-hint` })}
          onChange={({ currentTarget }) => onChange(currentTarget.checked)}
        />
        <label for={id}>{label}</label>
      </div>
      {hint === undefined ? null : (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  )
}
