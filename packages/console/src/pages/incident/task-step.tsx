import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { mayChange } from '../../administrator.js'
import { type ApiProblem, asProblem } from '../../api/problem.js'
import type { Answer } from '../../api/use-answer.js'
import { ActionDialog } from '../../ui/action-dialog.js'
import { Button } from '../../ui/button.js'
import { ProblemNotice } from '../../ui/problem-notice.js'
import { Propagation } from '../../ui/propagation.js'
import { Step } from './step.js'
import { TaskState } from './task-state.js'
import { isRunning, startTask, stopTask, type Task, type TaskKind } from './tasks.js'

interface TaskStepProps {
  readonly kind: TaskKind
  readonly title: string
  readonly tasks: Answer<readonly Task[]>
  /** What it will do, in its dialog and before its first run. */
  readonly effects: ComponentChildren
  readonly label: string
  /** Why it cannot be started yet. */
  readonly blocked?: string | undefined
  readonly isDone?: boolean | undefined
  readonly dialog: readonly [isOpen: boolean, setOpen: (isOpen: boolean) => void]
  readonly children?: ComponentChildren
}

/** A result is as good as new for this long, and says which processes hold it. */
const freshMs = 60_000

/** A step that a server runs in the background, for every administrator to see. */
export function TaskStep(props: TaskStepProps) {
  const { kind, title, tasks, effects, label, blocked, isDone, dialog, children } = props
  const [isOpen, setOpen] = dialog
  const [problem, setProblem] = useState<ApiProblem>()
  const isDangerous = kind !== 'rewrap'
  const task = tasks.data?.find((one) => one.kind === kind)
  const other = tasks.data?.find((one) => one.kind !== kind && isRunning(one))
  const stop = async () => {
    setProblem(undefined)
    await stopTask().catch((error: unknown) => setProblem(asProblem(error)))
    await tasks.reload()
  }
  const run = async () => {
    await startTask(kind)
    await tasks.reload()
  }
  const shown =
    isOpen && blocked === undefined ? (
      <ActionDialog
        title={title}
        confirmLabel={label}
        isDangerous={isDangerous}
        run={run}
        result={() => (
          <>
            <p>A server works on it, also when you leave this page. Another administrator sees the same progress.</p>
            <TaskState task={task} />
            {isFresh(task) ? <Propagation key={task?.ended_at} /> : null}
          </>
        )}
        onClose={() => setOpen(false)}
      >
        {effects}
      </ActionDialog>
    ) : null
  return (
    <Step title={title} isDone={isRunning(task) ? undefined : isDone} dialog={shown}>
      {children}
      <ProblemNotice problem={problem ?? tasks.problem} />
      <TaskState task={task} />
      {isFresh(task) && !isOpen ? <Propagation key={task?.ended_at} /> : null}
      {other === undefined ? null : (
        <p class="notice">
          Another task runs at the moment ({other.kind}). This one can start when it is done or stopped.
        </p>
      )}
      {blocked === undefined ? null : <p class="hint">{blocked}</p>}
      {mayChange() ? (
        <div class="actions">
          {isRunning(task) || other !== undefined ? (
            <Button onClick={stop}>Stop the running task</Button>
          ) : (
            <Button
              kind={isDangerous ? 'danger' : 'primary'}
              disabled={blocked !== undefined}
              onClick={() => setOpen(true)}
            >
              {label}
            </Button>
          )}
        </div>
      ) : null}
    </Step>
  )
}

function isFresh(task: Task | undefined): boolean {
  if (task?.state !== 'done' || task.ended_at === null) return false
  return Math.abs(Date.now() - Date.parse(task.ended_at)) < freshMs
}
