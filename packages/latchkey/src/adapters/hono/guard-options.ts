import type { Context } from 'hono'
import type { LatchkeyError } from '../../errors.js'
import type { GuardOptions } from '../../http/guard-options.js'

/** Options of `requireAuth` in Hono. */
export interface HonoGuardOptions extends GuardOptions {
  /**
   * Called for a refused request. A response that it returns is sent. Otherwise the refusal is
   * thrown to `onError` of the application.
   *
   * @defaultValue none
   */
  readonly onRefusal?: (error: LatchkeyError, c: Context) => Response | undefined | Promise<Response | undefined>
}
