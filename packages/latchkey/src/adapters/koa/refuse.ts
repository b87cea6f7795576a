import type { Context } from 'koa'
import { isLatchkeyError } from '../../errors.js'
import type { KoaGuardOptions } from './guard-options.js'

/**
 * Throws an error as `ctx.throw` would, unless `onRefusal` responds to it. Koa's own error handler
 * sends the message of an error that has `expose`, and logs the others.
 */
export async function refuse(error: unknown, ctx: Context, { onRefusal }: KoaGuardOptions = {}): Promise<void> {
  if (!isLatchkeyError(error)) throw error
  const { body, status } = ctx
  await onRefusal?.(error, ctx)
  const hasResponded = ctx.body !== body || ctx.status !== status || ctx.respond === false
  if (!hasResponded) throw Object.assign(error, { expose: error.status < 500 })
}
