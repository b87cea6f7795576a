import type { Response } from 'express'
import { problemAnswer } from '../../http/problem.js'

/** Answers a request that failed. */
export function sendProblem(res: Response, error: unknown): void {
  const { status, headers, body } = problemAnswer(error)
  res.status(status).set(headers).send(JSON.stringify(body))
}
