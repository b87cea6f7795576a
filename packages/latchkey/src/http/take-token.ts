import { refusal } from '../errors.js'
import { ownText } from '../own-text.js'
import { cookieValues } from './cookie-values.js'
import { trimWhitespace } from './trim-whitespace.js'

/** Where a request may carry its access token besides the `Authorization` header, which always counts. All off by default. */
export interface TokenSources {
  /**
   * The name of a cookie that may hold the token; compared byte by byte. Browsers send it unasked, so the
   * application must refuse changes and WebSocket handshakes whose `Origin` it does not trust.
   */
  readonly cookie?: string
  /** The name of a further header that may hold the token, such as `X-Access-Token`, with or without `Bearer` before it. */
  readonly header?: string
  /** `access_token` in a form body (RFC 6750 §2.2): `application/x-www-form-urlencoded`, already parsed, not for GET and HEAD. */
  readonly body?: boolean
  /** `access_token` in the query (RFC 6750 §2.3). It ends up in logs and histories: only for routes that cannot do otherwise. */
  readonly query?: boolean
}

/**
 * What of a request may carry a token, whatever the framework: as the framework presents it to a
 * handler, with the edits of earlier middleware.
 */
export interface TokenCarrier {
  readonly method: string
  /** The `Authorization` header. */
  readonly authorization: string | undefined
  /** Whether the `Authorization` header arrived more than once, so that one of them is not seen here. */
  readonly repeated: boolean
  /** The header that is a source besides; several are joined by a comma. Read only where there is one. */
  readonly header: string | undefined
  /** The `Cookie` header; several are joined by a semicolon. Read only where a cookie is a source. */
  readonly cookie: string | undefined
  /** The `Content-Type` header. Read only where the body is a source. */
  readonly contentType: string | undefined
  /** As parsed by the framework; read only where the body is a source. */
  readonly body: unknown
  /** As parsed by the framework; read only where the query is a source. */
  readonly query: unknown
}

const parameter = 'access_token'

// RFC 6750 §2.1: the scheme, in any case, at least one space, and a b64token.
const bearer = /^Bearer +([A-Za-z0-9\-._~+/]+=*) *$/i
const bearerScheme = /^Bearer(?:[ \t]|$)/i
/** Several headers are joined by a comma, which no b64token has, so that two credentials are seen as two. */
const secondCredential = /,[ \t]*Bearer(?:[ \t,]|$)/i
const b64token = /^[A-Za-z0-9\-._~+/]+=*$/

/**
 * The one token that a request carries. Throws `credentials_missing`, `credentials_ambiguous` when there is more than one, in one place or in
 * several (RFC 6750 §2), and `credentials_malformed`. An emptied cookie, header or parameter is no credential. Its
 * characters are not looked at: see `isTokenText`. It may be remembered, and keeps nothing else in memory with it.
 */
export function takeToken(carrier: TokenCarrier, sources: TokenSources): string {
  if (carrier.repeated) throw refusal('credentials_ambiguous')
  const inHeader = carrier.authorization === undefined ? undefined : bearerToken(carrier.authorization)
  const elsewhere = tokensElsewhere(carrier, sources)
  const token = inHeader ?? elsewhere[0]
  if (token === undefined) throw refusal('credentials_missing')
  if (elsewhere.length > (inHeader === undefined ? 1 : 0)) throw refusal('credentials_ambiguous')
  if (token === malformed) throw refusal('credentials_malformed')
  return inHeader === undefined ? ownText(token) : token
}

/** Whether a token has no other characters than tokens may have (RFC 6750 §2.1). To look takes as long as finding a known token: do it when one is refused. */
export function isTokenText(text: string): boolean {
  return b64token.test(text)
}

/** Stands for a token that is there but cannot be read: it counts, so that it is never passed over for another one. */
const malformed = ''

const none: readonly string[] = []

function tokensElsewhere(carrier: TokenCarrier, { cookie, header, body, query }: TokenSources): readonly string[] {
  if (cookie === undefined && header === undefined && body !== true && query !== true) return none
  const found: string[] = []
  if (header !== undefined && carrier.header !== undefined) found.push(...headerTokens(carrier.header))
  if (cookie !== undefined && carrier.cookie !== undefined) found.push(...cookieValues(carrier.cookie, cookie))
  if (body === true && mayCarryForm(carrier)) found.push(...parameterValues(carrier.body))
  if (query === true) found.push(...parameterValues(carrier.query))
  return found
}

/** Returns the token of an `Authorization` header; `malformed` for one that cannot be read, `undefined` for another scheme. */
function bearerToken(header: string): string | undefined {
  // As nearly all clients write it. The seven characters before it are kept with it, which is cheaper than a copy.
  if (header.slice(0, 7) === 'Bearer ' && header.length > 7 && header.indexOf(' ', 7) < 0) return header.slice(7)
  const token = bearer.exec(header)?.[1]
  if (token !== undefined) return ownText(token)
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

/** Returns whether a `Content-Type` is that of a form (RFC 6750 §2.2), whatever its parameters. */
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
