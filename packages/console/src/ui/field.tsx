import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'

interface FieldProps {
  readonly label: string
  readonly hint?: ComponentChildren
  readonly value: string
  readonly onChange: (value: string) => void
}

/** Further attributes of a text field. */
export interface InputAttributes {
  readonly autocomplete?: 'off' | 'one-time-code' | 'current-password'
  readonly inputMode?: 'numeric' | 'text'
  readonly maxLength?: number
  readonly min?: string
  readonly max?: string
  readonly placeholder?: string
}

interface TextFieldProps extends FieldProps {
  readonly type?: 'text' | 'search' | 'email' | 'number' | 'password' | 'date' | 'datetime-local'
  readonly required?: boolean
  readonly autofocus?: boolean
  readonly attributes?: InputAttributes
}

/** A labelled text field. */
export function TextField({
  label,
  hint,
  value,
  onChange,
  type = 'text',
  required = false,
  autofocus = false,
  attributes = {},
}: TextFieldProps) {
  const id = useId()
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        {...attributes}
        id={id}
        // The types of Preact accept a single type only.
        type={type as 'text'}
        value={value}
        required={required}
        autofocus={autofocus}
        {...(hint === undefined ? {} : { 'aria-describedby': `${id}-hint` })}
        onInput={({ currentTarget }) => onChange(currentTarget.value)}
      />
      <Hint id={id} hint={hint} />
    </div>
  )
}

/** A labelled field for a longer text. */
export function TextArea({ label, hint, value, onChange, rows = 4 }: FieldProps & { readonly rows?: number }) {
  const id = useId()
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <textarea
        id={id}
        rows={rows}
        value={value}
        spellcheck={false}
        autocomplete="off"
        {...(hint === undefined ? {} : { 'aria-describedby': `${id}-hint` })}
        onInput={({ currentTarget }) => onChange(currentTarget.value)}
      />
      <Hint id={id} hint={hint} />
    </div>
  )
}

interface SelectFieldProps extends FieldProps {
  readonly options: readonly (readonly [value: string, label: string])[]
}

/** A labelled choice of one option. */
export function SelectField({ label, hint, value, onChange, options }: SelectFieldProps) {
  const id = useId()
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        value={value}
        {...(hint === undefined ? {} : { 'aria-describedby': `${id}-hint` })}
        onChange={({ currentTarget }) => onChange(currentTarget.value)}
      >
        {options.map(([option, text]) => (
          <option key={option} value={option}>
            {text}
          </option>
        ))}
      </select>
      <Hint id={id} hint={hint} />
    </div>
  )
}

interface CheckFieldProps {
  readonly label: string
  readonly value: boolean
  readonly onChange: (value: boolean) => void
}

/** A labelled box to check. */
export function CheckField({ label, value, onChange }: CheckFieldProps) {
  const id = useId()
  return (
    <div class="check field">
      <input
        id={id}
        type="checkbox"
        checked={value}
        onChange={({ currentTarget }) => onChange(currentTarget.checked)}
      />
      <label for={id}>{label}</label>
    </div>
  )
}

function Hint({ id, hint }: { readonly id: string; readonly hint: ComponentChildren }) {
  return hint === undefined ? null : (
    <p class="hint" id={`${id}-hint`}>
      {hint}
    </p>
  )
}
