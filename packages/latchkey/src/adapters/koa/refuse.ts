import type { Context } from 'koa'
import { isLatchkeyError } from '../../errors.js'
import type { KoaGuardOptions } from './guard-options.js'

/**
 * Throws an error as `ctx.throw` would, unless `onRefusal` responds to it. Koa's own error handler
 * sends the message of an error that has `expose`, and logs the others.
 */
export async function refuse(error: unknown, ctx: Context, { onRefusal }: KoaGuardOptions = {}): Promise<void> {
  if (!isLatchkeyError(error)) throw error
  if (onRefusal !== undefined) {
    const before = responseOf(ctx)
    await onRefusal(error, ctx)
    const { body, status } = responseOf(ctx)
    if (body !== before.body || status !== before.status || ctx.respond === false) return
  }
  throw Object.assign(error, { expose: error.status < 500 })
}

/** The upgrade request of a WebSocket has no response object, of which Koa reads the status. */
function responseOf(ctx: Context): { readonly body?: unknown; readonly status?: number } {
  const res: unknown = ctx.res
  return res === undefined ? {} : { body: ctx.body, status: ctx.status }
}
