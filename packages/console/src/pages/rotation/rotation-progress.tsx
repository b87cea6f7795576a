import { useState } from 'preact/hooks'
import { mayChange } from '../../administrator.js'
import { answer, api } from '../../api/client.js'
import { type ApiProblem, asProblem } from '../../api/problem.js'
import { ActionDialog } from '../../ui/action-dialog.js'
import { Badge } from '../../ui/badge.js'
import { Button } from '../../ui/button.js'
import { CurlButton } from '../../ui/curl-button.js'
import { DataTable } from '../../ui/data-table.js'
import { Facts } from '../../ui/facts.js'
import { ProblemNotice } from '../../ui/problem-notice.js'
import { Section } from '../../ui/section.js'
import { Time } from '../../ui/time.js'
import { failuresIn, isOpen, isRunning, type RotationStatus } from './rotation-status.js'

/** A step that an administrator can take while a rotation is open. */
type Step = 'pause' | 'resume' | 'stop'

const states = {
  rotating: ['good', 'Running'],
  waiting: ['warning', 'Waiting: no server runs it now, and one will continue it'],
  paused: ['warning', 'Paused'],
  done: ['good', 'Done'],
  stopped: ['bad', 'Stopped'],
} as const

const numbers = new Intl.NumberFormat('en')

interface RotationProgressProps {
  readonly status: RotationStatus
  readonly onChanged: () => unknown
}

/** How far the last rotation is, and the steps that are possible now. */
export function RotationProgress({ status, onChanged }: RotationProgressProps) {
  const [isStopping, setStopping] = useState(false)
  const [problem, setProblem] = useState<ApiProblem>()
  const take = async (step: Step) => {
    await answer(api.POST(`/v1/admin/rotations/${step}`))
    await onChanged()
  }
  const takeNow = async (step: Step) => {
    setProblem(undefined)
    try {
      await take(step)
    } catch (error) {
      setProblem(asProblem(error))
      await onChanged()
    }
  }
  const { state, rotated, remaining, older_than: olderThan, estimated_end: end } = status
  const [kind, words] = states[state]
  const failures = failuresIn(status)
  const total = rotated + failures + remaining
  return (
    <Section
      title="Progress"
      actions={mayChange() ? <Steps status={status} take={takeNow} stop={() => setStopping(true)} /> : undefined}
    >
      <ProblemNotice problem={problem} />
      <p>
        <Badge kind={kind}>{words}</Badge>
      </p>
      <progress
        class="rotation-progress"
        aria-label="Rotated secrets"
        max={Math.max(total, 1)}
        value={total === 0 ? 1 : rotated + failures}
      />
      <Facts
        entries={[
          ['Rotated', numbers.format(rotated)],
          ['Remaining', numbers.format(remaining)],
          ['Errors', numbers.format(failures)],
          ['Older than', <Time key="than" at={olderThan} full />],
          ...(isRunning(status) ? [['Estimated end', <Time key="end" at={end} full />] as const] : []),
        ]}
      />
      {state === 'paused' ? <p class="hint">A canary pauses here: look for refused tokens, then resume.</p> : null}
      {state === 'stopped' ? (
        <p class="hint">Start with the same date again to continue: secrets that are new already are left out.</p>
      ) : null}
      {failures === 0 ? null : <Failures failed={status.failed} />}
      <div class="actions after">
        <CurlButton method="GET" path="/v1/admin/rotations" />
      </div>
      {isStopping ? (
        <ActionDialog
          title="Stop the rotation"
          confirmLabel="Stop"
          isDangerous
          run={() => take('stop')}
          result={() => <p>The rotation has stopped.</p>}
          onClose={() => setStopping(false)}
        >
          <p>It stops after the current secret. Secrets that are rotated stay new, and the others stay old.</p>
        </ActionDialog>
      ) : null}
    </Section>
  )
}

interface StepsProps {
  readonly status: RotationStatus
  readonly take: (step: Step) => Promise<void>
  readonly stop: () => void
}

function Steps({ status, take, stop }: StepsProps) {
  if (!isOpen(status)) return null
  return (
    <>
      {status.state === 'paused' ? (
        <Button kind="primary" onClick={() => take('resume')}>
          Resume
        </Button>
      ) : (
        <Button onClick={() => take('pause')}>Pause</Button>
      )}
      <Button kind="danger" onClick={stop}>
        Stop
      </Button>
    </>
  )
}

function Failures({ failed }: { readonly failed: RotationStatus['failed'] }) {
  return (
    <DataTable
      caption="Accounts and clients that kept their secret"
      rows={Object.entries(failed)}
      rowKey={([code]) => code}
      columns={[
        { title: 'Error', cell: ([code]) => <code>{code}</code> },
        { title: 'Kept their secret', cell: ([, count]) => numbers.format(count), isNumber: true },
      ]}
      empty={null}
    />
  )
}
