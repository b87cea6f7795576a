import { problemAnswer } from './problem.js'

/** The parts of a response of `node:http` or `node:http2` that are used. */
export interface NodeResponse {
  statusCode: number
  setHeader(name: string, value: string): unknown
  end(body: string): unknown
}

/**
 * Sends the response to a failed request: `application/problem+json` (RFC 9457) with a
 * `WWW-Authenticate` challenge, or 500 for an error that is no LatchkeyError.
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http'
 * import { createLatchkey, remoteJwks } from 'latchkey'
 * import { authenticate, sendProblem } from 'latchkey/node'
 *
 * const keys = remoteJwks('https://auth.example/jwks.json')
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * createServer(async (req, res) => {
 *   try {
 *     res.end((await authenticate(latchkey, req)).subject)
 *   } catch (error) {
 *     sendProblem(res, error)
 *   }
 * })
 * ```
 */
export function sendProblem(response: NodeResponse, error: unknown): void {
  const { status, headers, body } = problemAnswer(error)
  response.statusCode = status
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  response.end(JSON.stringify(body))
}
