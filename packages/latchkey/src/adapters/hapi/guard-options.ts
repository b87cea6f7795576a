import type { Lifecycle, Request, ResponseToolkit } from '@hapi/hapi'
import type { LatchkeyError } from '../../errors.js'
import type { Verifier } from '../../http/guard.js'
import type { GuardOptions } from '../../http/guard-options.js'

/**
 * Options of a strategy of the scheme. A request without credentials passes routes whose
 * `auth.mode` is `optional`. hapi reads a body after the authentication, so a body is no source.
 */
export interface HapiGuardOptions extends Omit<GuardOptions, 'optional' | 'body'> {
  /** The object that `createLatchkey` returned. */
  readonly latchkey: Verifier<object>
  /**
   * Called for a refused request. A value that it returns is the response, such as
   * `h.redirect('/login')`. With `undefined`, hapi responds to the refusal.
   *
   * @defaultValue none
   */
  readonly onRefusal?: (
    error: LatchkeyError,
    request: Request,
    h: ResponseToolkit,
  ) => Lifecycle.ReturnValue | undefined | Promise<undefined>
}
