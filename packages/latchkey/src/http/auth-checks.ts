import type { Auth } from '../auth.js'
import { refusal } from '../errors.js'
import { isPromise, type MaybePromise } from '../maybe-promise.js'

/**
 * A check of an identity: the result of `requireRole`, `requireScope`, `requireClaim` or
 * `requireRecent`.
 */
export type AuthCheck = (auth: Auth) => Auth

/** Throws a TypeError unless these are checks. The name is that of the option or function. */
export function checkChecks(name: string, checks: readonly AuthCheck[]): void {
  if (!(Array.isArray(checks) && checks.every((check) => typeof check === 'function'))) {
    throw new TypeError(`${name} takes checks, such as requireRole('editor') returns.`)
  }
}

/**
 * Returns the identity if it passes all checks. A guest passes none: `credentials_missing`.
 *
 * @throws TypeError if a check is asynchronous, because its later refusal would have no effect
 */
export function passChecks<C extends object>(auth: Auth<C> | undefined, checks: readonly AuthCheck[]): Auth<C> {
  if (auth === undefined) throw refusal('credentials_missing')
  for (const check of checks) refusePromise(check(untyped(auth)))
  return auth
}

/** Returns the same identity for a check that knows no schema: to it, each claim is `unknown`. */
function untyped(auth: Auth<object>): Auth {
  return auth as Auth
}

function refusePromise(checked: MaybePromise<Auth>): void {
  if (!isPromise(checked)) return
  // Its rejection would end the process.
  checked.then(undefined, () => {})
  throw new TypeError('A check must not be asynchronous: return the identity, or throw.')
}
