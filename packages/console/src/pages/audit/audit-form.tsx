import { useState } from 'preact/hooks'
import { Button } from '../../ui/button.js'
import { SelectField, TextField } from '../../ui/field.js'
import { useQuery } from '../../ui/use-query.js'
import { filterNames } from './audit-filter.js'
import { eventWords } from './audit-words.js'

const any = ['', 'Any'] as const
const events = [any, ...Object.entries(eventWords).toSorted(([, a], [, b]) => a.localeCompare(b))]
const outcomes = [any, ['done', 'Done'], ['refused', 'Refused']] as const

/** The filter of the log; it is in the URL, so that it can be shared and the browser can go back. */
export function AuditForm() {
  const { get, set } = useQuery()
  const [values, setValues] = useState<Readonly<Record<string, string>>>(
    Object.fromEntries(filterNames.map((name) => [name, get(name)])),
  )
  const field = (name: (typeof filterNames)[number]) => ({
    value: values[name] ?? '',
    onChange: (value: string) => setValues({ ...values, [name]: value }),
  })
  const none = Object.fromEntries([...filterNames, 'cursor'].map((name) => [name, '']))
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        set({ ...values, cursor: '' })
      }}
    >
      <div class="toolbar">
        <SelectField label="Event" options={events} {...field('event')} />
        <SelectField label="Outcome" options={outcomes} {...field('outcome')} />
        <TextField label="About the account" {...field('account')} />
        <TextField label="Done by" attributes={{ placeholder: 'An ID, or cli' }} {...field('actor')} />
        <TextField label="Session" {...field('session')} />
        <TextField label="Address" {...field('address')} />
        <TextField label="From" type="datetime-local" {...field('since')} />
        <TextField label="Before" type="datetime-local" {...field('until')} />
        <Button type="submit" kind="primary">
          Filter
        </Button>
        <Button onClick={() => set(none)}>Show all</Button>
      </div>
    </form>
  )
}
