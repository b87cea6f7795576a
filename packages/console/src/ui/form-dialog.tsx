import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { type ApiProblem, asProblem } from '../api/problem.js'
import { Button } from './button.js'
import { Dialog } from './dialog.js'
import { ProblemNotice } from './problem-notice.js'

interface FormDialogProps<Result> {
  readonly title: string
  /** The fields. */
  readonly children: ComponentChildren
  readonly submitLabel: string
  readonly run: () => Promise<Result>
  /** What the dialog shows afterwards; absent: it closes. */
  readonly result?: (result: Result) => ComponentChildren
  readonly onClose: () => void
}

/** A dialog with a form, which the browser checks before it is sent. */
export function FormDialog<Result>({ title, children, submitLabel, run, result, onClose }: FormDialogProps<Result>) {
  const [problem, setProblem] = useState<ApiProblem>()
  const [isBusy, setBusy] = useState(false)
  const [done, setDone] = useState<{ readonly result: Result }>()
  const submit = async () => {
    if (isBusy) return
    setBusy(true)
    setProblem(undefined)
    try {
      const found = await run()
      if (result === undefined) onClose()
      else setDone({ result: found })
    } catch (error) {
      setProblem(asProblem(error))
    } finally {
      setBusy(false)
    }
  }
  if (done !== undefined && result !== undefined) {
    return (
      <Dialog title={title} onClose={onClose}>
        <div role="status">{result(done.result)}</div>
        <div class="dialog-buttons">
          <Button kind="primary" onClick={onClose}>
            Done
          </Button>
        </div>
      </Dialog>
    )
  }
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void submit()
        }}
      >
        {children}
        <ProblemNotice problem={problem} />
        <div class="dialog-buttons">
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" disabled={isBusy}>
            {submitLabel}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
