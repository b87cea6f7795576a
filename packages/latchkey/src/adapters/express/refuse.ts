import type { Application, ErrorRequestHandler, NextFunction, Request } from 'express'
import { isLatchkeyError } from '../../errors.js'
import { type NodeResponse, sendProblem } from '../../http/node-response.js'

/**
 * Passes an error to the error handlers of the application. If none of them responds to a refusal,
 * the response is `application/problem+json`: Express itself would send an HTML page.
 */
export function refuse(error: unknown, request: object, res: NodeResponse, next: NextFunction): void {
  // The upgrade request of a WebSocket has no response object, or one without headers.
  if (!isLatchkeyError(error) || typeof res?.setHeader !== 'function') {
    next(error)
    return
  }
  const { app } = request as Partial<Pick<Request, 'app'>>
  if (app === undefined) {
    // A test double has no application that could respond.
    sendProblem(res, error)
    return
  }
  answerUnanswered(rootOf(app))
  for (const [name, value] of Object.entries(error.headers)) res.setHeader(name, value)
  next(error)
}

const setting = 'latchkey answers refusals'

/**
 * Adds an error handler after those of the application, which are all registered once requests
 * arrive.
 */
function answerUnanswered(app: Application): void {
  if (app.enabled(setting)) return
  app.enable(setting)
  app.use(answerRefusal)
}

const answerRefusal: ErrorRequestHandler = (error, _req, res, next) => {
  if (isLatchkeyError(error) && !res.headersSent) sendProblem(res, error)
  else next(error)
}

/** Returns the application on which this one is mounted, directly or through others. */
function rootOf(app: Application): Application {
  const { parent } = app as { readonly parent?: Application }
  return parent === undefined ? app : rootOf(parent)
}
