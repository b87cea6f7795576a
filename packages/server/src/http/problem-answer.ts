import { STATUS_CODES } from 'node:http'
import type { FastifyError, FastifyReply, FastifyRequest, FastifySchemaValidationError } from 'fastify'
import { type CodeOf, isFailure } from 'latchkey'
import { type FieldError, isProblem, type OauthError } from '../problem.js'
import { httpFailures } from './failures.js'

declare module 'fastify' {
  interface FastifyRequest {
    /** The code of the refusal; `undefined` if the request was not refused. */
    refusalCode: string | undefined
  }
}

/** The body of every refusal (RFC 9457), with a stable `code`. */
export interface ProblemAnswer {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: string
  readonly hint: string
  readonly request_id: string
  readonly errors?: readonly FieldError[]
  readonly reasons?: readonly string[]
  readonly error?: string
  readonly error_description?: string
  readonly device_token?: string
  readonly challenge_token?: string
  readonly methods?: readonly string[]
  readonly expires_in?: number
  readonly passkey_options?: object
  readonly max_age?: number
  readonly acr?: string
}

/** The media type of every refusal, except at the endpoints of OAuth. */
export const PROBLEM_TYPE = 'application/problem+json'

/** The media type of errors at the endpoints of OAuth (RFC 6749 §5.2). */
export const OAUTH_ERROR_TYPE = 'application/json'

/** The codes of this folder. */
type HttpCode = CodeOf<typeof httpFailures.table>

/** A refusal by the server or the library. Any other error is mapped to a code of this folder. */
export interface Refusal {
  readonly code: string
  readonly message: string
  readonly hint: string
  readonly statusCode: number
  readonly headers?: Readonly<Record<string, string>>
  readonly extensions?: Readonly<Record<string, unknown>>
}

/**
 * Answers a request with an error. Only errors of the server are logged as errors, and their
 * details are not sent.
 */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return sendRefusal(recordRefusal(error, request, reply), { error, request, reply })
}

/**
 * Answers a browser with a page for a refusal. Returns `false` if the answer must be a problem
 * document.
 */
export type AnswerBrowser = (refusal: Refusal, request: FastifyRequest, reply: FastifyReply) => Promise<boolean>

/** Does what `answerError` does, with a page where `answerBrowser` has one. */
export async function answerErrorWithPage(
  answerBrowser: AnswerBrowser,
  error: unknown,
  { request, reply }: { readonly request: FastifyRequest; readonly reply: FastifyReply },
): Promise<FastifyReply> {
  const refusal = recordRefusal(error, request, reply)
  if (await answerBrowser(refusal, request, reply)) return reply
  return sendRefusal(refusal, { error, request, reply })
}

function recordRefusal(error: unknown, request: FastifyRequest, reply: FastifyReply): Refusal {
  const refusal = refusalOf(error)
  request.refusalCode = refusal.code
  if (refusal.statusCode >= 500) request.log.error({ err: error }, refusal.code)
  else request.log.info({ code: refusal.code }, 'refused')
  if (refusal.headers !== undefined) reply.headers(refusal.headers)
  return refusal
}

function sendRefusal(
  refusal: Refusal,
  {
    error,
    request,
    reply,
  }: { readonly error: unknown; readonly request: FastifyRequest; readonly reply: FastifyReply },
): FastifyReply {
  const errors = errorsOf(error)
  const oauthError = isOauth(request) ? oauthErrorOf(refusal.statusCode) : undefined
  return sendProblem(reply, problemAnswer(refusal, { requestId: request.id, errors, oauthError }))
}

/** Sends a refusal. */
export function sendProblem(reply: FastifyReply, answer: ProblemAnswer): FastifyReply {
  const type = isOauth(reply.request) ? OAUTH_ERROR_TYPE : PROBLEM_TYPE
  return reply.code(answer.status).type(type).send(JSON.stringify(answer))
}

/** Returns whether the request is for an endpoint of OAuth, with any method. */
function isOauth({ routeOptions, url }: FastifyRequest): boolean {
  return (routeOptions.url ?? url).startsWith('/oauth/')
}

/** Returns the `error` of OAuth for a refusal without a code of OAuth (RFC 6749 §4.1.2.1, §5.2). */
function oauthErrorOf(status: number): string {
  if (status === 429 || status === 503) return 'temporarily_unavailable'
  return status >= 500 ? 'server_error' : 'invalid_request'
}

/** The members of an answer that depend on the request. */
interface ProblemContext {
  readonly requestId: string
  readonly errors?: readonly FieldError[] | undefined
  /** The `error` of OAuth for a refusal that defines none itself. */
  readonly oauthError?: string | undefined
}

/** Returns the body of a refusal. */
export function problemAnswer(refusal: Refusal, { requestId, errors, oauthError }: ProblemContext): ProblemAnswer {
  const { code, message, hint, statusCode, extensions } = refusal
  const error = oauthErrorIn(refusal) ?? oauthError
  return {
    type: `urn:latchkey:problem:${code}`,
    title: message,
    status: statusCode,
    code,
    hint,
    request_id: requestId,
    ...(errors === undefined ? {} : { errors }),
    ...extensions,
    ...(error === undefined ? {} : { error, error_description: describe(`${message} ${hint}`) }),
  }
}

/** Returns the `error` that the failure itself defines for OAuth. */
function oauthErrorIn(refusal: unknown): OauthError | undefined {
  return isProblem(refusal) ? refusal.failure.oauthError : undefined
}

/**
 * Replaces quotation marks and backslashes, which RFC 6749 §5.2 does not allow in a description.
 */
function describe(text: string): string {
  return text.replaceAll(/["\\]/g, "'")
}

/** Returns a refusal as a complete HTTP answer, for input that could not be parsed as a request. */
export function rawProblem(
  code: HttpCode,
  headers: Readonly<Record<string, string>> & { readonly 'X-Request-Id': string },
): string {
  const answer = problemAnswer(httpFailures.refusal(code), { requestId: headers['X-Request-Id'] })
  const body = JSON.stringify(answer)
  return [
    `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status]}`,
    `Content-Type: ${PROBLEM_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    'Connection: close',
    '',
    body,
  ].join('\r\n')
}

const fastifyCodes: Readonly<Record<string, HttpCode>> = {
  FST_ERR_VALIDATION: 'validation_failed',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'body_malformed',
  FST_ERR_CTP_INVALID_JSON_BODY: 'body_malformed',
}

/** Returns the refusal that an error is answered with. */
export function refusalOf(error: unknown): Refusal {
  if (isFailure(error)) return error
  if (!isFastifyError(error)) return httpFailures.refusal('internal_error')
  const named = fastifyCodes[error.code]
  if (named !== undefined) return httpFailures.refusal(named)
  const { statusCode = 500 } = error
  return httpFailures.refusal(statusCode >= 400 && statusCode < 500 ? 'request_malformed' : 'internal_error')
}

function isFastifyError(error: unknown): error is FastifyError {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && 'statusCode' in error
}

/** Limits how much of a hostile body an answer repeats. */
const maxFieldErrors = 20

function errorsOf(error: unknown): readonly FieldError[] | undefined {
  if (!isFastifyError(error) || error.validation === undefined) return undefined
  return fieldErrorsOf(error.validation, error.validationContext ?? 'body')
}

/**
 * Returns the errors that a JSON Schema has found, at most 20. `name`: the name of the checked
 * value.
 */
export function fieldErrorsOf(found: readonly FastifySchemaValidationError[], name: string): FieldError[] {
  return found.slice(0, maxFieldErrors).map((error) => ({
    field: `${name}${error.instancePath}${memberOf(error)}`,
    message: error.message ?? 'is not valid',
  }))
}

/** Returns the missing or unexpected member. */
function memberOf({ params }: FastifySchemaValidationError): string {
  const member = params.missingProperty ?? params.additionalProperty
  return typeof member === 'string' ? `/${member.slice(0, 100)}` : ''
}
