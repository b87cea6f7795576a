import { isLatchkeyError } from '../errors.js'

/** The response to a failed request (RFC 9457), with the stable code of the failure. */
export interface ProblemAnswer {
  readonly status: number
  /** With the challenge of RFC 6750 §3 if the failure has one. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: ProblemBody
}

/**
 * The members of a problem document (RFC 9457 §3.1), and the extension members `code` and `hint`.
 */
export interface ProblemBody {
  readonly type: string
  readonly title: string
  readonly status: number
  /** The code of the LatchkeyError, or `internal_error`. */
  readonly code: string
  /** The next step for the client. */
  readonly hint: string
}

const common = { 'Content-Type': 'application/problem+json', 'Cache-Control': 'no-store' }

/**
 * Returns the response to an error. The response to an error that is no LatchkeyError shows nothing
 * of that error.
 */
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
