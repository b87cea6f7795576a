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
  const kind = methods.includes('totp') ? 'code' : 'password'
  const hasField = methods.includes('totp') || methods.includes('password')
  const prove = async (proof: Promise<void>) => {
    setProblem(undefined)
    try {
      await proof
      settle(true)
    } catch (error) {
      setProblem(asProblem(error))
    }
  }
  return (
    <Dialog title="Confirm that it is you" onClose={() => settle(false)}>
      <p>This action needs a recent authentication. It continues when you have confirmed it.</p>
      <ProblemNotice problem={problem} />
      {methods.includes('passkey') ? (
        <Button kind="primary" onClick={() => prove(stepUpByPasskey())}>
          Use a passkey
        </Button>
      ) : null}
      {hasField ? (
        <form
          onSubmit={(event) => {
            event.preventDefault()
            void prove(stepUpBySecret(kind, text))
          }}
        >
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
          <div class="dialog-buttons">
            <Button onClick={() => settle(false)}>Cancel</Button>
            <Button kind="primary" type="submit">
              Continue
            </Button>
          </div>
        </form>
      ) : null}
    </Dialog>
  )
}
