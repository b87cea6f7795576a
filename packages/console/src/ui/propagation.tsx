import { answer, api } from '../api/client.js'
import { useAnswer } from '../api/use-answer.js'
import { Badge } from './badge.js'
import { ProblemNotice } from './problem-notice.js'
import { durationText } from './time.js'

const meaning =
  'Milliseconds from this request, which the console sends just after the change was committed, until the answering ' +
  'server knew of each acknowledgement. The times are upper bounds.'

/**
 * The processes that have acknowledged everything committed before, with the time of each. It asks
 * when it appears, so show it as the result of a change.
 */
export function Propagation() {
  const { data, problem, reload } = useAnswer('propagation', (signal) =>
    answer(api.POST('/v1/admin/propagation', { signal })),
  )
  if (problem !== undefined) return <ProblemNotice problem={problem} retry={reload} />
  if (data === undefined) return <p class="loading">Waiting for every process that verifies tokens…</p>
  const { verifiers, acknowledged, elapsed_ms: elapsedMs, processes } = data
  const isComplete = acknowledged === verifiers
  return (
    <div class="propagation">
      <p title={meaning}>
        <Badge kind={isComplete ? 'good' : 'warning'}>
          {acknowledged} of {verifiers} {verifiers === 1 ? 'verifier' : 'verifiers'}, {durationText(elapsedMs)}
        </Badge>{' '}
        {isComplete
          ? 'The change holds in every process.'
          : 'The change holds in every process: one that has not acknowledged has stopped or is cut off, and accepts no token any more on what it knew before.'}
      </p>
      <details>
        <summary>Each process</summary>
        <ul>
          {processes.map(({ id, acknowledged_ms: ms }, index) => (
            <li key={id}>
              <code>{id.slice(0, 8)}</code>
              {index === 0 ? ' (the server that answers)' : ''}:{' '}
              {ms === null ? 'not acknowledged within its max staleness' : `acknowledged after ${ms} ms`}
            </li>
          ))}
        </ul>
      </details>
    </div>
  )
}
