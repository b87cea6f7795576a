import { type FailureCode, failures } from 'latchkey'
import { OAUTH_ERROR_TYPE, PROBLEM_TYPE } from '../http/problem-answer.js'
import { type ProblemCode, problems } from '../problem.js'

type Code = ProblemCode | FailureCode

/** What any route that may be sent a body refuses, also where it needs none: what is sent is read before it is ignored. */
export const forBody = [
  'validation_failed',
  'text_malformed',
  'body_malformed',
  'body_too_large',
  'unsupported_media_type',
  'content_encoding_unsupported',
] as const satisfies readonly Code[]

/** What any route without a body, but with a parameter in its URL, may refuse. */
export const forUrl = ['validation_failed', 'text_malformed'] as const satisfies readonly Code[]

/** What any route that needs an access token may refuse. */
export const forToken = [
  'credentials_missing',
  'credentials_ambiguous',
  'credentials_malformed',
  'token_malformed',
  'token_expired',
  'token_revoked',
  'session_ended',
  'session_forged',
  'reissue_required',
  'kid_unknown',
  'signature_invalid',
  'account_required',
] as const satisfies readonly Code[]

/** What any administrative route may refuse. */
export const forAdmin = [...forToken, 'admin_required'] as const satisfies readonly Code[]

const forAll = [
  'text_malformed',
  'rate_limited',
  'internal_error',
  'store_unavailable',
  'store_busy',
] as const satisfies readonly Code[]

/** The refusals of a route as its response schema: one entry for each status, telling the codes apart. */
export function refusals(...codes: readonly Code[]) {
  return onlyRefusals(...codes, ...forAll)
}

/** The same for an endpoint of OAuth. */
export function oauthRefusals(...codes: readonly Code[]) {
  return byStatus([...codes, ...forAll], OAUTH_ERROR_TYPE)
}

/** The same for a route that is not limited and reads nothing. */
export function onlyRefusals(...codes: readonly Code[]) {
  return byStatus(codes, PROBLEM_TYPE)
}

function byStatus(codes: readonly Code[], mediaType: string) {
  const lines = new Map<number, string[]>()
  for (const code of new Set(codes)) {
    const { status, message } = code in problems ? problems[code as ProblemCode] : failures[code as FailureCode]
    lines.set(status, [...(lines.get(status) ?? []), `\`${code}\`: ${message}`])
  }
  return Object.fromEntries(
    [...lines].map(([status, meanings]) => [
      status,
      { description: meanings.join('\n\n'), content: { [mediaType]: { schema: { $ref: 'Problem#' } } } },
    ]),
  )
}
