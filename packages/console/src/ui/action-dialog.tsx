import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { type ApiProblem, asProblem } from '../api/problem.js'
import { Button } from './button.js'
import { Dialog } from './dialog.js'
import { ProblemNotice } from './problem-notice.js'

interface ActionDialogProps<Result> {
  readonly title: string
  /** What the action will do, before it does it, and its fields, which the browser checks. */
  readonly children: ComponentChildren
  readonly confirmLabel: string
  /** Enter in a field does not confirm a dangerous action: it takes the button. @defaultValue false */
  readonly isDangerous?: boolean
  /** The only field is the confirmation of a dangerous action, so that Enter in it confirms. */
  readonly isTyped?: boolean
  readonly run: () => Promise<Result>
  /** What the action has done, such as the processes that have acknowledged it; absent: it closes. */
  readonly result?: (result: Result) => ComponentChildren
  readonly onClose: () => void
}

/**
 * Says what an action will do, does it, and shows what it has done. It stays open while the request
 * is under way: a request that is sent cannot be taken back, and its result may be a secret that is
 * shown once, which a message at the edge of the page could not hold.
 */
export function ActionDialog<Result>(props: ActionDialogProps<Result>) {
  const { title, children, confirmLabel, isDangerous = false, isTyped = false, run, result, onClose } = props
  const [problem, setProblem] = useState<ApiProblem>()
  const [isBusy, setBusy] = useState(false)
  const [done, setDone] = useState<{ readonly result: Result }>()
  const confirm = async () => {
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
          <Button kind="primary" onClick={onClose} takesFocus>
            Done
          </Button>
        </div>
      </Dialog>
    )
  }
  return (
    <Dialog title={title} onClose={onClose} isBusy={isBusy}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void confirm()
        }}
        {...(isDangerous && !isTyped ? { onKeyDown: ignoreEnterInField } : {})}
      >
        {children}
        <ProblemNotice problem={problem} />
        <div class="dialog-buttons">
          <Button onClick={onClose} disabled={isBusy}>
            Cancel
          </Button>
          <Button kind={isDangerous ? 'danger' : 'primary'} type="submit" isBusy={isBusy}>
            {confirmLabel}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

function ignoreEnterInField(event: KeyboardEvent): void {
  if (event.key === 'Enter' && event.target instanceof HTMLInputElement) event.preventDefault()
}
