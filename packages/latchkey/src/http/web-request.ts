import { problemAnswer } from './problem.js'
import type { TokenCarrier } from './take-token.js'

/**
 * Returns what of a Web request may carry a token. `Headers` joins a header that is repeated, `a, b`:
 * a b64token has no comma, so that two credentials are seen as two (RFC 6750 §2).
 */
export function webCarrier(request: Request, body: unknown): TokenCarrier {
  const { method, headers } = request
  const authorization = headers.get('authorization') ?? undefined
  return {
    method,
    authorization,
    repeated: authorization !== undefined && secondCredential.test(authorization),
    cookie: headers.get('cookie') ?? undefined,
    contentType: headers.get('content-type') ?? undefined,
    body,
    query: queryOf(request.url),
  }
}

const secondCredential = /,[ \t]*Bearer(?:[ \t,]|$)/i

/** The answer to a request that failed: `application/problem+json` with a `WWW-Authenticate` challenge; 500 for what is no LatchkeyError. */
export function problemResponse(error: unknown): Response {
  const { status, headers, body } = problemAnswer(error)
  return new Response(JSON.stringify(body), { status, headers })
}

/** The parameters of a form or a query, with all values of each. */
export function parametersOf(parameters: URLSearchParams | FormData): Readonly<Record<string, unknown>> {
  return Object.fromEntries([...new Set(parameters.keys())].map((name) => [name, parameters.getAll(name)]))
}

function queryOf(url: string): Readonly<Record<string, unknown>> {
  const start = url.indexOf('?')
  return start < 0 ? {} : parametersOf(new URLSearchParams(url.slice(start + 1)))
}
