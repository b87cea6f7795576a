import type { Context } from 'hono'
import { isLatchkeyError } from '../../errors.js'
import { problemResponse } from '../../http/web-request.js'

/** Throws the error on to `onError` of the application; a refusal with its challenge set, and with the answer that Hono's own handler gives. */
export function refuse(error: unknown, c: Context): never {
  if (!isLatchkeyError(error)) throw error
  for (const [name, value] of Object.entries(error.headers)) c.header(name, value)
  throw Object.assign(error, { getResponse: () => problemResponse(error) })
}
