import { type FailureCode, failures } from 'latchkey'
import { OAUTH_ERROR_TYPE, PROBLEM_TYPE } from '../http/problem-answer.js'
import { type ProblemCode, problems } from './problems.js'

type Code = ProblemCode | FailureCode

/**
 * The refusals of every route whose method allows a body. A route that needs none also has them: a
 * body is read before it is ignored.
 */
export const forBody = [
  'validation_failed',
  'text_malformed',
  'body_malformed',
  'body_too_large',
  'unsupported_media_type',
  'content_encoding_unsupported',
] as const satisfies readonly Code[]

/** The refusals of every route that sets a password. */
export const forNewPassword = [
  'password_too_short',
  'password_too_long',
  'password_common',
] as const satisfies readonly Code[]

/** The refusals of every route without a body but with a parameter in its URL. */
export const forUrl = ['validation_failed', 'text_malformed'] as const satisfies readonly Code[]

/** The refusals of every route that needs an access token. */
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
  'impersonation_read_only',
] as const satisfies readonly Code[]

/** The refusals of every route for administrators. */
export const forAdmin = [
  ...forToken,
  'admin_required',
  'second_factor_required_for_admin',
  'recent_authentication_required',
] as const satisfies readonly Code[]

const forAll = [
  'text_malformed',
  'rate_limited',
  'internal_error',
  'store_unavailable',
  'store_busy',
] as const satisfies readonly Code[]

/** Returns the response schemas of refusals: one entry for each status, which lists its codes. */
export function refusals(...codes: readonly Code[]) {
  return onlyRefusals(...codes, ...forAll)
}

/** Returns the same for an OAuth endpoint. */
export function oauthRefusals(...codes: readonly Code[]) {
  return byStatus([...codes, ...forAll], OAUTH_ERROR_TYPE)
}

/** Returns the same for a route without rate limits that reads nothing from the database. */
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
