import type { Context } from 'hono'
import { isLatchkeyError } from '../../errors.js'
import { problemResponse } from '../../http/web-request.js'

/**
 * Throws the error to `onError` of the application. For a refusal, sets its challenge first, and
 * adds the `getResponse` that Hono's own error handler calls.
 */
export function refuse(error: unknown, c: Context): never {
  if (!isLatchkeyError(error)) throw error
  for (const [name, value] of Object.entries(error.headers)) c.header(name, value)
  throw Object.assign(error, { getResponse: () => problemResponse(error) })
}
