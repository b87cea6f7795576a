import type { IncomingHttpHeaders } from 'node:http'
import type { TokenCarrier } from './take-token.js'

/** The parts of a `node:http` request that are read, whichever framework it belongs to. */
export interface NodeRequest {
  /** @defaultValue `GET` */
  readonly method?: string | undefined
  /** With the edits of earlier middleware. */
  readonly headers: Readonly<IncomingHttpHeaders>
  /** As they arrived. Only shows a repeated header; requests that no socket has carried lack it. */
  readonly rawHeaders?: readonly string[] | undefined
}

/** Returns what of a Node.js request may carry a token. */
export function nodeCarrier(
  { method = 'GET', headers, rawHeaders = [] }: NodeRequest,
  { body, query }: Pick<TokenCarrier, 'body' | 'query'>,
): TokenCarrier {
  const { authorization, cookie, 'content-type': contentType } = headers
  const repeated = authorization !== undefined && isRepeated(rawHeaders, authorization)
  return { method, authorization, repeated, cookie, contentType, body, query }
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
