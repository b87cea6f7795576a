import { useState } from 'preact/hooks'
import { type ApiProblem, asProblem } from '../api/problem.js'
import { stepUpRequest } from '../api/step-up.js'
import { stepUpByPasskey, stepUpBySecret } from '../api/step-up-calls.js'
import { Button } from './button.js'
import { Dialog } from './dialog.js'
import { TextField } from './field.js'
import { ProblemNotice } from './problem-notice.js'

/** Asks the administrator to authenticate again while a request waits for it. */
export function StepUpDialog() {
  const request = stepUpRequest.value
  if (request === undefined) return null
  return <Proof key={request.settle} methods={request.methods} settle={request.settle} />
}

function Proof({ methods, settle }: { readonly methods: readonly string[]; readonly settle: (done: boolean) => void }) {
  const [text, setText] = useState('')
  const [problem, setProblem] = useState<ApiProblem>()
  const [isBusy, setBusy] = useState(false)
  const kind = methods.includes('totp') ? 'code' : 'password'
  const hasField = methods.includes('totp') || methods.includes('password')
  const prove = async (send: () => Promise<void>) => {
    if (isBusy) return
    setBusy(true)
    setProblem(undefined)
    try {
      await send()
      settle(true)
    } catch (error) {
      setText('')
      setProblem(asProblem(error))
    } finally {
      setBusy(false)
    }
  }
  return (
    <Dialog title="Confirm that it is you" onClose={() => settle(false)}>
      <p>This action needs a recent authentication. It continues when you have confirmed it.</p>
      <ProblemNotice problem={problem} />
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void prove(() => stepUpBySecret(kind, text))
        }}
      >
        {hasField ? (
          <TextField
            label={kind === 'code' ? 'Code of your authenticator app' : 'Password'}
            type={kind === 'code' ? 'text' : 'password'}
            value={text}
            onChange={setText}
            required
            autofocus
            attributes={
              kind === 'code'
                ? { autocomplete: 'one-time-code', inputMode: 'numeric' }
                : { autocomplete: 'current-password' }
            }
          />
        ) : null}
        <div class="dialog-buttons">
          <Button onClick={() => settle(false)}>Cancel</Button>
          {methods.includes('passkey') ? (
            <Button kind={hasField ? 'plain' : 'primary'} onClick={() => prove(stepUpByPasskey)}>
              Use a passkey
            </Button>
          ) : null}
          {hasField ? (
            <Button kind="primary" type="submit" isBusy={isBusy}>
              Continue
            </Button>
          ) : null}
        </div>
      </form>
    </Dialog>
  )
}
