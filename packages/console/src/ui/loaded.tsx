import type { ComponentChildren } from 'preact'
import type { Answer } from '../api/use-answer.js'
import { ProblemNotice } from './problem-notice.js'

interface LoadedProps<T> {
  readonly answer: Answer<T>
  readonly children: (data: T) => ComponentChildren
}

/** Shows an answer once it has arrived, and the refusal of the last attempt above it. */
export function Loaded<T>({ answer, children }: LoadedProps<T>) {
  const { data, problem, isLoading, reload } = answer
  return (
    <>
      <ProblemNotice problem={problem} retry={reload} />
      {isLoading ? (
        <p class="loading" role="status">
          Loading…
        </p>
      ) : null}
      {data === undefined ? null : children(data)}
    </>
  )
}
