import { isLatchkeyError } from '../../errors.js'
import { problemResponse } from '../../http/web-request.js'
import type { NextOptions } from './next-options.js'

/**
 * Returns the response to a refusal. Throws any other error, such as the one with which `redirect`
 * of Next.js leaves a handler.
 */
export async function refuse(error: unknown, request: Request, { onRefusal }: NextOptions): Promise<Response> {
  if (!isLatchkeyError(error)) throw error
  return (await onRefusal?.(error, request)) ?? problemResponse(error)
}
