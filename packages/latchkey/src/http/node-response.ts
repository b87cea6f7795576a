import { problemAnswer } from './problem.js'

/** The parts of a response of `node:http` or `node:http2` that are used. */
export interface NodeResponse {
  statusCode: number
  setHeader(name: string, value: string): unknown
  end(body: string): unknown
}

/** Answers a request that failed: `application/problem+json` with a `WWW-Authenticate` challenge; 500 for what is no LatchkeyError. */
export function sendProblem(response: NodeResponse, error: unknown): void {
  const { status, headers, body } = problemAnswer(error)
  response.statusCode = status
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  response.end(JSON.stringify(body))
}
