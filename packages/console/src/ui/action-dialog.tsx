import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { type ApiProblem, asProblem } from '../api/problem.js'
import { Button } from './button.js'
import { Dialog } from './dialog.js'
import { ProblemNotice } from './problem-notice.js'

interface ActionDialogProps<Result> {
  readonly title: string
  /** What the action will do, before it does it. */
  readonly effects: ComponentChildren
  readonly confirmLabel: string
  readonly isDangerous?: boolean
  readonly run: () => Promise<Result>
  /** What the action has done, such as the processes that have acknowledged it. */
  readonly result: (result: Result) => ComponentChildren
  readonly onClose: () => void
}

/** Says what an action will do, does it, and shows what it has done. */
export function ActionDialog<Result>(props: ActionDialogProps<Result>) {
  const { title, effects, confirmLabel, isDangerous = false, run, result, onClose } = props
  const [problem, setProblem] = useState<ApiProblem>()
  const [done, setDone] = useState<{ readonly result: Result }>()
  const confirm = async () => {
    setProblem(undefined)
    try {
      setDone({ result: await run() })
    } catch (error) {
      setProblem(asProblem(error))
    }
  }
  return (
    <Dialog title={title} onClose={onClose}>
      {done === undefined ? effects : <div role="status">{result(done.result)}</div>}
      <ProblemNotice problem={problem} />
      <div class="dialog-buttons">
        {done === undefined ? (
          <>
            <Button onClick={onClose}>Cancel</Button>
            <Button kind={isDangerous ? 'danger' : 'primary'} onClick={confirm}>
              {confirmLabel}
            </Button>
          </>
        ) : (
          <Button kind="primary" onClick={onClose}>
            Done
          </Button>
        )}
      </div>
    </Dialog>
  )
}
