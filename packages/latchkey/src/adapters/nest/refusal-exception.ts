import {
  BadRequestException,
  ForbiddenException,
  HttpException,
  ServiceUnavailableException,
  UnauthorizedException,
} from '@nestjs/common'
import type { LatchkeyError } from '../../errors.js'
import { problemAnswer } from '../../http/problem.js'

/** Nest's exception for a status, by which exception filters recognise it. */
const exceptions = {
  400: BadRequestException,
  401: UnauthorizedException,
  403: ForbiddenException,
  503: ServiceUnavailableException,
} as const

/** The code of a GraphQL error, as Nest's drivers write it for these statuses. */
const graphqlCodes: Readonly<Record<number, string>> = {
  400: 'BAD_REQUEST',
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
  503: 'SERVICE_UNAVAILABLE',
}

/**
 * Returns Nest's exception for a refusal: its response is the problem document (RFC 9457), and its
 * `cause` the LatchkeyError.
 */
export function httpException(error: LatchkeyError): HttpException {
  const { status, body } = problemAnswer(error)
  const Exception = isListed(status) ? exceptions[status] : undefined
  const exception =
    Exception === undefined
      ? new HttpException({ ...body }, status, { cause: error })
      : new Exception({ ...body }, { cause: error })
  exception.message = error.message
  return exception
}

/** Returns the same exception with the `extensions` that GraphQL copies into its response. */
export function graphqlException(error: LatchkeyError): HttpException {
  const exception = httpException(error)
  const code = graphqlCodes[error.status] ?? 'INTERNAL_SERVER_ERROR'
  return Object.assign(exception, { extensions: { code, originalError: exception.getResponse() } })
}

/**
 * Returns the exception that Nest sends to the client of a gateway as the event `exception`.
 *
 * The package of Nest's gateways is loaded here, because applications without gateways lack it.
 */
export async function wsException(error: LatchkeyError): Promise<Error> {
  const { WsException } = await import('@nestjs/websockets')
  const { code, message, hint } = error
  return Object.assign(new WsException({ status: 'error', message, code, hint }), { cause: error })
}

function isListed(status: number): status is keyof typeof exceptions {
  return Object.hasOwn(exceptions, status)
}
