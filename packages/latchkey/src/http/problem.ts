import { isLatchkeyError } from '../errors.js'

/** An answer to a request that failed: RFC 9457, with the stable code of the failure. */
export interface ProblemAnswer {
  readonly status: number
  /** Includes the challenge of RFC 6750 §3 where there is one. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: ProblemBody
}

/** The members of a problem document (RFC 9457 §3.1), and ours. */
export interface ProblemBody {
  readonly type: string
  readonly title: string
  readonly status: number
  /** The code of the LatchkeyError, or `internal_error`. */
  readonly code: string
  /** What to do next. */
  readonly hint: string
}

const common = { 'Content-Type': 'application/problem+json', 'Cache-Control': 'no-store' }

/** What to answer to an error. One that is not ours says nothing of itself. */
export function problemAnswer(error: unknown): ProblemAnswer {
  if (!isLatchkeyError(error)) return answer(500, { code: 'internal_error', ...unexpected })
  return answer(error.status, { code: error.code, title: error.message, hint: error.hint }, error.headers)
}

const unexpected = { title: 'Something went wrong here.', hint: 'Retry later.' }

function answer(
  status: number,
  { code, title, hint }: Pick<ProblemBody, 'code' | 'title' | 'hint'>,
  headers: Readonly<Record<string, string>> = {},
): ProblemAnswer {
  const body = { type: `urn:latchkey:problem:${code}`, title, status, code, hint }
  return { status, headers: { ...common, ...headers }, body }
}
