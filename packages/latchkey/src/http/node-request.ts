import type { TokenCarrier, TokenSources } from './take-token.js'

/** The parts of a request of `node:http` or `node:http2` that are read, whichever framework it belongs to. */
export interface NodeRequest {
  /** @defaultValue `GET` */
  readonly method?: string | undefined
  /** By names in lower case, with the edits of earlier middleware. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** As they arrived. Only shows a repeated header; requests that no socket has carried lack it. */
  readonly rawHeaders?: readonly string[] | undefined
}

/** Returns what of a Node.js request may carry a token. */
export function nodeCarrier(
  { method = 'GET', headers, rawHeaders = [] }: NodeRequest,
  { body, query }: Pick<TokenCarrier, 'body' | 'query'>,
  sources: TokenSources,
): TokenCarrier {
  const authorization = textOf(headers.authorization, ', ')
  return {
    method,
    authorization,
    repeated: authorization !== undefined && isRepeated(rawHeaders, authorization),
    header: sources.header === undefined ? undefined : textOf(headers[sources.header.toLowerCase()], ', '),
    cookie: textOf(headers.cookie, '; '),
    contentType: textOf(headers['content-type'], ', '),
    body,
    query,
  }
}

/** Returns the value of a header; of one that is a list, as test doubles and gateways present it, all values. */
function textOf(value: string | readonly string[] | undefined, separator: string): string | undefined {
  if (typeof value === 'string') return value
  return Array.isArray(value) ? value.join(separator) : undefined
}

/**
 * Returns whether more than one `Authorization` header arrived, of which Node.js presents the first
 * alone. A value that middleware has put there is no longer the one that arrived, and stands for itself.
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
