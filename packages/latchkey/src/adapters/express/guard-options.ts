import type { NextFunction, Request, Response } from 'express'
import type { LatchkeyError } from '../../errors.js'
import type { GuardOptions } from '../../http/guard-options.js'

/** Options of `requireAuth` in Express. */
export interface ExpressGuardOptions extends GuardOptions {
  /**
   * Handles a refused request instead of the error handlers of the application, with the same
   * arguments. `next` passes the refusal on to them, and never to the route.
   *
   * @defaultValue passes the refusal on
   */
  readonly onRefusal?: (error: LatchkeyError, req: Request, res: Response, next: NextFunction) => unknown
}
