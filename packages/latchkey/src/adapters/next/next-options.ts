import type { LatchkeyError } from '../../errors.js'
import type { GuardOptions } from '../../http/guard-options.js'
import type { MaybePromise } from '../../maybe-promise.js'

/** Options of `withAuth` and `authProxy`. */
export interface NextOptions extends Omit<GuardOptions, 'body'> {
  /**
   * Returns the response to a refusal, such as `Response.redirect`, or `undefined` for the default.
   *
   * @defaultValue `application/problem+json` with the challenge
   */
  readonly onRefusal?: (error: LatchkeyError, request: Request) => MaybePromise<Response | undefined>
}

/** Options of `withAuth` that let no request pass without an identity. */
export interface RequiredNextOptions extends NextOptions {
  readonly optional?: false
}

/** Options of `serverAuth`. */
export interface ServerAuthOptions extends Omit<GuardOptions, 'body'> {
  /** Called with a refusal before it is thrown; it may `redirect` to the sign-in page instead. */
  readonly onRefusal?: (error: LatchkeyError) => unknown
}

/** Options of `serverAuth` that return no caller without an identity. */
export interface RequiredServerAuthOptions extends ServerAuthOptions {
  readonly optional?: false
}
