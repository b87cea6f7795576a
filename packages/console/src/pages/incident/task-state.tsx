import { Badge } from '../../ui/badge.js'
import { Time } from '../../ui/time.js'
import { isRunning, type Task, type TaskKind } from './tasks.js'

const units: Readonly<Record<TaskKind, string>> = {
  revoke_all: 'accounts and clients',
  replace_keys: 'accounts and clients',
  rewrap: 'values',
}

/** What a replacement of keys does in each of its steps. */
const steps: Readonly<Record<string, string>> = {
  announce: 'The new keys are announced to every server.',
  switch: 'Every server switches to the new keys.',
  replace: 'Secrets are replaced.',
  finish: 'The old keys are ended.',
}

/** The progress of a task, or how its last run has ended. */
export function TaskState({ task }: { readonly task: Task | undefined }) {
  if (task === undefined) return <p class="hint">It has never run on this database.</p>
  const { kind, done, total, step, state, code, ended_at: endedAt, started_by: startedBy } = task
  const of =
    total === null ? 'Counting…' : `${done.toLocaleString('en')} of ${total.toLocaleString('en')} ${units[kind]}`
  const by = startedBy === 'cli' ? 'the operator' : startedBy
  if (isRunning(task)) {
    return (
      <div role="status">
        <progress aria-label="Progress" {...(total === null ? {} : { value: done, max: Math.max(total, 1) })} />
        <p>
          {of}. {steps[step]}{' '}
          {state === 'waiting' ? 'No server runs it at the moment; one will continue within seconds.' : ''}
        </p>
      </div>
    )
  }
  if (state === 'done') {
    return (
      <p role="status">
        <Badge kind="good">Done</Badge> <Time at={endedAt} />: {of}, started by {by}.
      </p>
    )
  }
  return (
    <p role="status">
      <Badge kind={state === 'failed' ? 'bad' : 'warning'}>{state === 'failed' ? 'Failed' : 'Stopped'}</Badge>{' '}
      <Time at={endedAt} />: {of}. {code === null ? '' : <code>{code}</code>} Start it again to continue.
    </p>
  )
}
