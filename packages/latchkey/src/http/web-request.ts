import { problemAnswer } from './problem.js'
import type { TokenCarrier, TokenSources } from './take-token.js'

/** Returns what of a Web request may carry a token. Reads what is a source alone: a look into `Headers` takes time. */
export function webCarrier(request: Request, body: unknown, sources: TokenSources): TokenCarrier {
  const { method, headers } = request
  const read = (name: string) => headers.get(name) ?? undefined
  return {
    method,
    authorization: read('authorization'),
    // `Headers` joins a header that is repeated, so that nothing is hidden.
    repeated: false,
    header: sources.header === undefined ? undefined : read(sources.header),
    cookie: sources.cookie === undefined ? undefined : read('cookie'),
    contentType: sources.body === true ? read('content-type') : undefined,
    body,
    query: sources.query === true ? queryOf(request.url) : undefined,
  }
}

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
