import { useState } from 'preact/hooks'
import { answer, api } from '../../api/client.js'
import { useAnswer } from '../../api/use-answer.js'
import { ActionDialog } from '../../ui/action-dialog.js'
import { SelectField, TextField } from '../../ui/field.js'
import { durationText } from '../../ui/time.js'
import type { RotationStatus } from './rotation-status.js'

const dayMs = 86_400_000

/** The option that continues a stopped rotation. */
const lastDate = 'last'

const ages = [
  ['0', 'every secret'],
  ['30', 'older than 30 days'],
  ['90', 'older than 90 days'],
  ['365', 'older than a year'],
] as const

interface StartRotationProps {
  /** The last rotation, if any. */
  readonly last: RotationStatus | null
  readonly onClose: () => void
}

/** Starts a rotation of all secrets. */
export function StartRotation({ last, onClose }: StartRotationProps) {
  const isStopped = last?.state === 'stopped'
  const [age, setAge] = useState<string>(isStopped ? lastDate : '0')
  const [rate, setRate] = useState('6000')
  const [canary, setCanary] = useState('')
  const start = () => {
    const body = {
      ...olderThan(age, last),
      rate_per_minute: Number(rate),
      ...(canary === '' ? {} : { canary: Number(canary) }),
    }
    return answer(api.POST('/v1/admin/rotations', { body }))
  }
  return (
    <ActionDialog title="Rotate all secrets" confirmLabel="Start" run={start} onClose={onClose}>
      <p>
        Each account and each client gets a new signing secret. The old one verifies until its grace period ends:{' '}
        <strong>nobody is signed out.</strong> To end tokens after a leak, revoke instead.
      </p>
      <SelectField
        label="Secrets to rotate"
        value={age}
        onChange={setAge}
        options={isStopped ? [[lastDate, 'the rest of the stopped rotation'], ...ages] : ages}
      />
      <TextField
        label="Rate per minute"
        type="number"
        value={rate}
        onChange={setRate}
        required
        hint={<Duration rate={Number(rate)} />}
        attributes={{ min: '1', max: '600000', inputMode: 'numeric' }}
      />
      <TextField
        label="Canary"
        type="number"
        value={canary}
        onChange={setCanary}
        hint="Pauses after this number of secrets, so that you can look before it goes on. Empty: it does not pause."
        attributes={{ min: '1', max: '1000000000', inputMode: 'numeric' }}
      />
    </ActionDialog>
  )
}

/** The time that a rotation of every secret takes at a rate. */
function Duration({ rate }: { readonly rate: number }) {
  const { data } = useAnswer('stats', (signal) => answer(api.GET('/v1/admin/stats', { signal })))
  const secrets = data?.secrets.reduce((sum, { count }) => sum + count, 0)
  if (secrets === undefined || !(rate > 0)) return <>It bounds the load on the database.</>
  const duration = durationText((secrets / rate) * 60_000)
  return (
    <>
      It bounds the load on the database. At this rate every secret ({secrets}) takes about {duration}.
    </>
  )
}

function olderThan(age: string, last: RotationStatus | null): { older_than?: string } {
  if (age === lastDate && last !== null) return { older_than: last.older_than }
  if (age === '0') return {}
  return { older_than: new Date(Date.now() - Number(age) * dayMs).toISOString() }
}
