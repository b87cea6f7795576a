import { opensWebSocket } from './opens-web-socket.js'
import type { TokenCarrier, TokenSources } from './take-token.js'

/**
 * The parts of a request of `node:http` or `node:http2` that are read. The requests of Express and
 * Fastify have them too.
 */
export interface NodeRequest {
  /** @defaultValue `GET` */
  readonly method?: string | undefined
  /** The target of the request. Read only if the query is a source of `latchkey/node`. */
  readonly url?: string | undefined
  /** Values by lower-case name, with the edits of earlier middleware. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /**
   * Names and values as they arrived. Read only to detect a repeated header; absent on requests
   * that did not come from a socket.
   */
  readonly rawHeaders?: readonly string[] | undefined
}

/** Returns the parts of a Node.js request that may carry a token. */
export function nodeCarrier(
  { method = 'GET', headers, rawHeaders = [] }: NodeRequest,
  { body, query }: Pick<TokenCarrier, 'body' | 'query'>,
  sources: TokenSources,
): TokenCarrier {
  const authorization = textOf(headers.authorization, ', ')
  const cookie = sources.cookie === undefined ? undefined : textOf(headers.cookie, '; ')
  // Only a token from a cookie depends on the site that caused the request.
  const byCookie = cookie !== undefined
  return {
    method,
    isUpgrade: byCookie && opensWebSocket(textOf(headers.upgrade, ', '), textOf(headers['sec-websocket-key'], ', ')),
    host: byCookie ? (textOf(headers.host, ', ') ?? textOf(headers[':authority'], ', ')) : undefined,
    origin: byCookie ? textOf(headers.origin, ', ') : undefined,
    fetchSite: byCookie ? textOf(headers['sec-fetch-site'], ', ') : undefined,
    authorization,
    repeated: authorization !== undefined && isRepeated(rawHeaders, authorization),
    header: sources.header === undefined ? undefined : textOf(headers[sources.header.toLowerCase()], ', '),
    cookie,
    contentType: textOf(headers['content-type'], ', '),
    body,
    query,
  }
}

/**
 * Returns the value of a header. Gateways and test doubles may present a list: its values are
 * joined.
 */
function textOf(value: string | readonly string[] | undefined, separator: string): string | undefined {
  if (typeof value === 'string') return value
  return Array.isArray(value) ? value.join(separator) : undefined
}

/**
 * Returns whether more than one `Authorization` header arrived: Node.js presents only the first. If
 * middleware has replaced the presented value, the headers that arrived do not count.
 */
function isRepeated(rawHeaders: readonly string[], presented: string): boolean {
  let first: string | undefined
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    if (!isAuthorization(rawHeaders[at])) continue
    if (first !== undefined) return first === presented
    first = rawHeaders[at + 1]
  }
  return false
}

function isAuthorization(name: string | undefined): boolean {
  return name?.length === 13 && name.toLowerCase() === 'authorization'
}
