/** A refusal of the API (RFC 9457). */
export interface ProblemBody {
  readonly code: string
  readonly title: string
  readonly hint: string
  readonly status: number
  readonly request_id?: string
  /** The ways to authenticate again, of `recent_authentication_required`. */
  readonly methods?: readonly string[]
}

/** The error of a call that the server has refused, or that did not reach it. */
export class ApiProblem extends Error {
  readonly code: string
  readonly hint: string
  /** 0 if the server could not be reached. */
  readonly status: number
  readonly requestId: string | undefined

  constructor({ code, title, hint, status, request_id: requestId }: ProblemBody) {
    super(title)
    this.name = 'ApiProblem'
    this.code = code
    this.hint = hint
    this.status = status
    this.requestId = requestId
  }
}

/** The problem of a server that does not answer. */
export const unreachable: ProblemBody = {
  code: 'server_unreachable',
  title: 'The server does not answer.',
  hint: 'Check the network and the server; this page tries again.',
  status: 0,
}

/** The problem of a request that waited for a step-up, which the administrator has cancelled. */
export const stepUpCancelled: ProblemBody = {
  code: 'step_up_cancelled',
  title: 'You have not confirmed that it is you.',
  hint: 'Nothing was changed. Start it again when you can confirm it.',
  status: 401,
}

/** Returns the problem in the body of an answer, whatever the body is. */
export function problemIn(body: unknown, status: number): ProblemBody {
  const found = typeof body === 'object' && body !== null ? (body as Partial<ProblemBody>) : {}
  return {
    ...found,
    code: found.code ?? 'answer_unexpected',
    title: found.title ?? `The server has answered with the status ${status}.`,
    hint: found.hint ?? 'See the log of the server.',
    status,
  }
}

/** Returns the problem of any error. */
export function asProblem(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error
  const title = error instanceof Error ? error.message : String(error)
  return new ApiProblem({ code: 'console_error', title, hint: 'Reload the page, and report this.', status: 0 })
}
