import { isError } from '../is-error.js'
import {
  describeStatus,
  type RequestLimits,
  readBytes,
  reasonOf,
  rootCauseOf,
  withinLimits,
} from '../remote-response.js'
import { parseJsonObject } from '../strict-json.js'

/** The maximum size of an answer. Usual ones have a few hundred bytes. */
const maxBytes = 65_536

/** The pause after a failure of the endpoint as a whole. */
const outagePauseMs = 1000
/** The pause after refused credentials, so that repeated attempts do not look like guesses. */
const credentialsPauseMs = 10_000
/** The longest `Retry-After` that is honoured, in case the endpoint recovers earlier. */
const longestPauseMs = 60_000

/** The reason for which the endpoint has sent no usable answer. */
export class EndpointFailure extends Error {
  /**
   * Milliseconds for which no further request should be sent; 0 if only this request has failed,
   * such as with status 500. A token that causes such an answer must not affect others.
   */
  readonly pauseMs: number

  constructor(reason: string, pauseMs: number) {
    super(reason)
    this.pauseMs = pauseMs
  }
}

/** A request to an introspection endpoint (RFC 7662 §2.1). */
export interface IntrospectionRequest extends RequestLimits {
  readonly url: URL
  /** The value of the `Authorization` header. */
  readonly authorization: string
  readonly token: string
  /** The wall clock in milliseconds since 1970, for a `Retry-After` that is a date. */
  readonly nowMs: number
}

/**
 * Returns the body of the answer about a token. Follows no redirect, which could lead the
 * credentials and the token elsewhere.
 *
 * @throws EndpointFailure
 */
export async function requestIntrospection(request: IntrospectionRequest): Promise<Buffer> {
  try {
    return await withinLimits(request, (signal) => sendOnOpenConnection(request, signal))
  } catch (error) {
    if (error instanceof EndpointFailure) throw error
    // A body that is too large is the answer to one request.
    throw new EndpointFailure(reasonOf(error), error instanceof RangeError ? 0 : outagePauseMs)
  }
}

/**
 * Sends the request once more if its connection was closed: a server may close an idle connection
 * at the moment of its reuse (nodejs/undici#3492). A repeated introspection has no further effect.
 */
async function sendOnOpenConnection(request: IntrospectionRequest, signal: AbortSignal): Promise<Buffer> {
  try {
    return await send(request, signal)
  } catch (error) {
    if (isClosedConnection(error)) return await send(request, signal)
    throw error
  }
}

async function send(request: IntrospectionRequest, signal: AbortSignal): Promise<Buffer> {
  const { url, authorization, token } = request
  const response = await fetch(url, {
    method: 'POST',
    headers: { accept: 'application/json', authorization },
    body: new URLSearchParams({ token, token_type_hint: 'access_token' }),
    redirect: 'manual',
    signal,
  })
  const failure = failureOf(response, request.nowMs)
  if (failure === undefined) return await readBytes(response, maxBytes)
  // For a client that may not introspect, status 400 is as usual as 403 (RFC 6749 §5.2).
  if (response.status === 400 && isClientRefused(await readBytes(response, maxBytes)))
    throw credentialsRefused(response)
  await response.body?.cancel()
  throw failure
}

function isClosedConnection(error: unknown): boolean {
  const root = rootCauseOf(error)
  return isError(root) && 'code' in root && ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes(String(root.code))
}

/** Returns the failure that the status or the content type of a response is, if it is one. */
function failureOf(response: Response, nowMs: number): EndpointFailure | undefined {
  const { status, headers } = response
  const described = describeStatus(response)
  switch (status) {
    case 200:
      return isJson(headers) ? undefined : new EndpointFailure('the content type is not application/json', 0)
    case 401:
    case 403:
      return credentialsRefused(response)
    case 429:
    case 502:
    case 503:
    case 504:
      return new EndpointFailure(described, pauseOf(headers, nowMs))
    default:
      return new EndpointFailure(described, 0)
  }
}

function credentialsRefused(response: Response): EndpointFailure {
  const reason = `${describeStatus(response)}: the issuer refuses the credentials of this API`
  return new EndpointFailure(reason, credentialsPauseMs)
}

/** Returns whether an error response of OAuth is about the client. */
function isClientRefused(body: Buffer): boolean {
  const error = parseJsonObject(body)?.error
  return error === 'invalid_client' || error === 'unauthorized_client'
}

function isJson(headers: Headers): boolean {
  return /^application\/json[ \t]*(;|$)/i.test(headers.get('content-type') ?? '')
}

/** Returns the milliseconds of `Retry-After`: seconds or a date (RFC 9110 §10.2.3). */
function pauseOf(headers: Headers, nowMs: number): number {
  const text = headers.get('retry-after') ?? ''
  const pauseMs = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs
  return pauseMs > outagePauseMs ? Math.min(pauseMs, longestPauseMs) : outagePauseMs
}
