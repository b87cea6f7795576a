import type { ApiProblem } from '../api/problem.js'
import { Button } from './button.js'

interface ProblemNoticeProps {
  readonly problem: ApiProblem | undefined
  readonly retry?: () => unknown
}

/** A refusal: what happened, what to do, and the code for the documentation and the log. */
export function ProblemNotice({ problem, retry }: ProblemNoticeProps) {
  if (problem === undefined) return null
  const { message, hint, code, requestId } = problem
  return (
    <div class="notice problem" role="alert">
      <p>
        <strong>{message}</strong> {hint}
      </p>
      <p class="hint">
        <code>{code}</code>
        {requestId === undefined ? null : <> · request {requestId}</>}
      </p>
      {retry === undefined ? null : <Button onClick={retry}>Try again</Button>}
    </div>
  )
}
