import type { Context } from 'koa'
import type { LatchkeyError } from '../../errors.js'
import type { GuardOptions } from '../../http/guard-options.js'

/** Options of `requireAuth` in Koa. */
export interface KoaGuardOptions extends GuardOptions {
  /**
   * Called for a refused request. It may set the response, such as `ctx.body` or a redirect.
   * Otherwise the refusal is thrown.
   *
   * @defaultValue none
   */
  readonly onRefusal?: (error: LatchkeyError, ctx: Context) => unknown
}
