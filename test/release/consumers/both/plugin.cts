import type { Application, ErrorRequestHandler } from 'express'
import { isLatchkeyError, type Latchkey, LatchkeyError } from 'latchkey'
import { requireAuth } from 'latchkey/express'

/** Adds a guarded route, and an error handler that recognises refusals. */
export function addRoute(app: Application, latchkey: Latchkey): void {
  app.get('/me', requireAuth(latchkey), (req, res) => {
    res.json({ id: req.auth.subject })
  })
  const answer: ErrorRequestHandler = (error, _req, res, next) => {
    if (!(isLatchkeyError(error) && error instanceof LatchkeyError)) return next(error)
    res.status(error.status).json({ code: error.code })
  }
  app.use(answer)
}
