import { copyText } from '../copy-text.js'
import { refusal } from '../errors.js'
import { cookieValues } from './cookie-values.js'
import type { CsrfCheck, RequestOrigin } from './same-origin.js'
import { trimWhitespace } from './trim-whitespace.js'

/**
 * The places of a request that may carry its access token besides the `Authorization` header, which
 * is always read.
 */
export interface TokenSources {
  /**
   * The name of a cookie that may hold the token; compared byte by byte.
   *
   * Browsers attach cookies to requests of other sites too (CSRF). The option `csrf` refuses state
   * changes and WebSocket handshakes that another site may have caused.
   *
   * @defaultValue none
   */
  readonly cookie?: string
  /**
   * The name of a further header that may hold the token, such as `X-Access-Token`, with or without
   * `Bearer` before it.
   *
   * @defaultValue none
   */
  readonly header?: string
  /**
   * Reads `access_token` in a form body (RFC 6750 §2.2): `application/x-www-form-urlencoded`,
   * already parsed, and not of a GET or HEAD request.
   *
   * @defaultValue `false`
   */
  readonly body?: boolean
  /**
   * Reads `access_token` in the query (RFC 6750 §2.3). URLs end up in logs and browser histories,
   * so use it only for routes whose clients cannot send a header.
   *
   * @defaultValue `false`
   */
  readonly query?: boolean
}

/**
 * The parts of a request that may carry a token, as the framework presents them to a handler, with
 * the edits of earlier middleware. The members of `RequestOrigin` other than `method` are read only
 * if a cookie is a source.
 */
export interface TokenCarrier extends RequestOrigin {
  /** The `Authorization` header. */
  readonly authorization: string | undefined
  /**
   * Whether the `Authorization` header arrived more than once, and `authorization` holds only the
   * first.
   */
  readonly repeated: boolean
  /**
   * The header that `TokenSources.header` names; several are joined by a comma. Read only if it is
   * a source.
   */
  readonly header: string | undefined
  /** The `Cookie` header; several are joined by a semicolon. Read only if a cookie is a source. */
  readonly cookie: string | undefined
  /** The `Content-Type` header. Read only if the body is a source. */
  readonly contentType: string | undefined
  /** As parsed by the framework. Read only if the body is a source. */
  readonly body: unknown
  /** As parsed by the framework. Read only if the query is a source. */
  readonly query: unknown
}

const parameter = 'access_token'

// RFC 6750 §2.1: the scheme, in any case, at least one space, and a b64token.
const bearer = /^Bearer +([A-Za-z0-9\-._~+/]+=*) *$/i
const bearerScheme = /^Bearer(?:[ \t]|$)/i
/** A comma joins several headers. A b64token has none, so a second credential is detected. */
const secondCredential = /,[ \t]*Bearer(?:[ \t,]|$)/i
const b64token = /^[A-Za-z0-9\-._~+/]+=*$/

/**
 * Returns the one token that a request carries, or `undefined` if it carries none. An empty cookie,
 * header or parameter is no credential. The characters of the token are not checked: see
 * `isTokenText`. A caller may cache the returned string: it retains no larger string.
 *
 * @param mayUseCookie Decides whether a token from the cookie counts.
 * @throws LatchkeyError `credentials_ambiguous` for more than one token, in one place or in several
 * (RFC 6750 §2); `credentials_malformed`; `csrf_refused`
 */
export function takeToken(carrier: TokenCarrier, sources: TokenSources, mayUseCookie: CsrfCheck): string | undefined {
  if (carrier.repeated) throw refusal('credentials_ambiguous')
  const inHeader = carrier.authorization === undefined ? undefined : bearerToken(carrier.authorization)
  const inCookie = tokensInCookie(carrier, sources)
  const elsewhere = tokensElsewhere(carrier, sources)
  const count = (inHeader === undefined ? 0 : 1) + inCookie.length + elsewhere.length
  if (count > 1) throw refusal('credentials_ambiguous')
  const token = inHeader ?? inCookie[0] ?? elsewhere[0]
  if (token === malformed) throw refusal('credentials_malformed')
  // Not only truthy: a promise of a check without types must not count as a permission.
  if (inCookie.length > 0 && mayUseCookie(carrier) !== true) throw refusal('csrf_refused')
  return inHeader === undefined && token !== undefined ? copyText(token) : token
}

/**
 * Returns whether the text has only characters that a token may have (RFC 6750 §2.1). The check
 * takes as long as looking up a known token, so it runs only after a refusal.
 */
export function isTokenText(text: string): boolean {
  return b64token.test(text)
}

/**
 * Stands for a credential that cannot be parsed. It counts as one, so that no other credential is
 * used instead.
 */
const malformed = ''

const none: readonly string[] = []

function tokensInCookie(carrier: TokenCarrier, { cookie }: TokenSources): readonly string[] {
  return cookie === undefined || carrier.cookie === undefined ? none : cookieValues(carrier.cookie, cookie)
}

function tokensElsewhere(carrier: TokenCarrier, { header, body, query }: TokenSources): readonly string[] {
  if (header === undefined && body !== true && query !== true) return none
  const found: string[] = []
  if (header !== undefined && carrier.header !== undefined) found.push(...headerTokens(carrier.header))
  if (body === true && mayCarryForm(carrier)) found.push(...parameterValues(carrier.body))
  if (query === true) found.push(...parameterValues(carrier.query))
  return found
}

/**
 * Returns the token of an `Authorization` header, `malformed` if it cannot be parsed, or
 * `undefined` for another scheme.
 */
function bearerToken(header: string): string | undefined {
  // The form that nearly all clients send. The slice retains the seven characters before it, which
  // costs less than a copy.
  if (header.slice(0, 7) === 'Bearer ' && header.length > 7 && header.indexOf(' ', 7) < 0) return header.slice(7)
  const token = bearer.exec(header)?.[1]
  if (token !== undefined) return copyText(token)
  if (secondCredential.test(header)) throw refusal('credentials_ambiguous')
  return bearerScheme.test(header) ? malformed : undefined
}

function headerTokens(header: string): string[] {
  const values = header.split(',').map(trimWhitespace)
  return values.filter((value) => value !== '').map((value) => bearerToken(value) ?? value)
}

function mayCarryForm({ method, contentType }: TokenCarrier): boolean {
  return isForm(contentType) && method !== 'GET' && method !== 'HEAD'
}

/**
 * Returns whether the media type of a `Content-Type` is that of a form (RFC 6750 §2.2). Parameters
 * are ignored.
 */
export function isForm(contentType: string | undefined): boolean {
  const [type = ''] = contentType?.split(';', 1) ?? []
  return trimWhitespace(type).toLowerCase() === 'application/x-www-form-urlencoded'
}

/** Returns all values of the parameter. An empty one counts as absent, as in RFC 6749 §3.1. */
function parameterValues(parsed: unknown): string[] {
  if (typeof parsed !== 'object' || parsed === null || !Object.hasOwn(parsed, parameter)) return []
  const value: unknown = Reflect.get(parsed, parameter)
  const values: unknown[] = Array.isArray(value) ? value : [value]
  return values.filter((one) => one !== '').map((one) => (typeof one === 'string' ? one : malformed))
}
