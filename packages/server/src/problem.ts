import { defineFailures, type Failure, type FailureError } from 'latchkey'

/** The `error` codes of RFC 6749 §5.2 and RFC 8693 §2.2.2. */
export type OauthError =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'invalid_scope'
  | 'invalid_target'
  | 'unauthorized_client'
  | 'unsupported_grant_type'

/** One cause of a refusal by this server. */
export interface ProblemKind extends Failure {
  /** The `error` member of a response of the OAuth endpoints. */
  readonly oauthError?: OauthError
}

/** A refusal by this server. */
export type Problem<Code extends string = string> = FailureError<Code, ProblemKind>

/** An invalid field of a request. */
export interface FieldError {
  /** A JSON pointer into the part of the request, such as `body/email`. */
  readonly field: string
  /** The fault of the field, without its value. */
  readonly message: string
}

const name = 'Problem'
const anyProblem = defineFailures(name, {} as Readonly<Record<string, ProblemKind>>)

/** Defines the failures of one domain. A code is never renamed, and a retired one never reused. */
export function defineProblems<const Table extends Readonly<Record<string, ProblemKind>>>(table: Table) {
  return defineFailures(name, table)
}

/** Returns whether an error is a refusal by this server, of any domain. */
export function isProblem(error: unknown): error is Problem {
  return anyProblem.is(error)
}
