import { opensWebSocket } from './opens-web-socket.js'
import { queryOf } from './parameters.js'
import { problemAnswer } from './problem.js'
import type { TokenCarrier, TokenSources } from './take-token.js'

/**
 * Returns the parts of a Web request that may carry a token. Reads only the sources in use: each
 * access to `Headers` takes time.
 */
export function webCarrier(request: Request, body: unknown, sources: TokenSources): TokenCarrier {
  const { method, headers } = request
  const read = (name: string) => headers.get(name) ?? undefined
  const cookie = sources.cookie === undefined ? undefined : read('cookie')
  // Only a token from a cookie depends on the site that caused the request.
  const byCookie = cookie !== undefined
  return {
    method,
    isUpgrade: byCookie && opensWebSocket(read('upgrade'), read('sec-websocket-key')),
    host: byCookie ? (read('host') ?? hostOf(request.url)) : undefined,
    origin: byCookie ? read('origin') : undefined,
    fetchSite: byCookie ? read('sec-fetch-site') : undefined,
    authorization: read('authorization'),
    // `Headers` joins repeated headers, so none is hidden.
    repeated: false,
    header: sources.header === undefined ? undefined : read(sources.header),
    cookie,
    contentType: sources.body === true ? read('content-type') : undefined,
    body,
    query: sources.query === true ? queryOf(request.url) : undefined,
  }
}

/**
 * Returns the response to a failed request: `application/problem+json` (RFC 9457) with a
 * `WWW-Authenticate` challenge, or 500 for an error that is no LatchkeyError.
 *
 * @example
 * ```ts
 * import { createLatchkey, remoteJwks } from 'latchkey'
 * import { authenticate, problemResponse } from 'latchkey/fetch'
 *
 * const keys = remoteJwks('https://auth.example/jwks.json')
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * export async function handle(request: Request): Promise<Response> {
 *   try {
 *     return Response.json({ id: (await authenticate(latchkey, request)).subject })
 *   } catch (error) {
 *     return problemResponse(error)
 *   }
 * }
 * ```
 */
export function problemResponse(error: unknown): Response {
  const { status, headers, body } = problemAnswer(error)
  return new Response(JSON.stringify(body), { status, headers })
}

/** Some runtimes present requests without a `Host` header; their URL has it. */
function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).host : undefined
}
