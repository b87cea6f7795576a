import type { Auth } from '../auth.js'
import { checkWhole } from '../check-whole.js'
import type { UntypedClaims } from '../claims/check-claims.js'
import { refusal } from '../errors.js'
import type { Latchkey } from '../latchkey-api.js'
import { isPromise, type MaybePromise } from '../maybe-promise.js'
import { type AuthCheck, checkChecks, passChecks } from './auth-checks.js'
import { createGuard, type Guard } from './guard.js'
import type { GuardOptions } from './guard-options.js'
import { checkWatching } from './watch-connection.js'

/** Options of a guard of connections: a handshake has no body. */
export interface ConnectionOptions extends Omit<GuardOptions, 'body'> {
  /**
   * Checks of the identity, such as `requireRole('admin')`. A later change of the grants ends the
   * connection, so that they hold as long as it is open.
   *
   * @defaultValue none
   */
  readonly checks?: readonly AuthCheck[]
  /**
   * The number of handshakes that may wait for the database at the same time, from 1 to 1,000,000.
   * Further ones are refused with `store_unavailable` (503) and `Retry-After`. Handshakes that are
   * decided from memory do not wait.
   *
   * @defaultValue `1000`
   */
  readonly maxPending?: number
}

/** The part of `createLatchkey`'s result that a guard of connections uses. */
export type ConnectionVerifier<C extends object = UntypedClaims> = Pick<Latchkey<C>, 'verify' | 'watch'>

/**
 * Returns a guard of handshakes.
 *
 * @throws TypeError for wrong arguments
 */
export function createConnectionGuard<C extends object>(
  latchkey: ConnectionVerifier<C>,
  options: ConnectionOptions,
): Guard<C> {
  const guard = createGuard(latchkey, options)
  checkWatching(latchkey)
  const { checks = [], maxPending = 1000 } = options
  checkChecks('checks', checks)
  checkWhole('maxPending', maxPending, 1, 1_000_000)
  const limited = limitPending(guard, maxPending)
  if (checks.length === 0) return limited
  return (carrier) => after(limited(carrier), (auth) => passChecks(auth, checks))
}

/**
 * Returns a guard that refuses to wait for more than `maxPending` checks. The refused check still
 * reads its tenant, so that a later attempt finds it in memory.
 */
function limitPending<C extends object>(guard: Guard<C>, maxPending: number): Guard<C> {
  let pending = 0
  return (carrier) => {
    const auth = guard(carrier)
    if (!isPromise(auth)) return auth
    if (pending >= maxPending) {
      auth.catch(() => {})
      throw refusal('store_unavailable')
    }
    pending += 1
    return auth.finally(() => {
      pending -= 1
    })
  }
}

function after<C extends object>(
  auth: MaybePromise<Auth<C> | undefined>,
  check: (auth: Auth<C> | undefined) => Auth<C>,
): MaybePromise<Auth<C> | undefined> {
  return isPromise(auth) ? auth.then(check) : check(auth)
}
