import type { Auth } from '../auth.js'
import type { UntypedClaims } from '../claims/check-claims.js'
import { refusal } from '../errors.js'
import type { Latchkey } from '../latchkey-api.js'
import { isPromise, type MaybePromise } from '../maybe-promise.js'
import type { GuardOptions } from './guard-options.js'
import { type CsrfCheck, sameOrigin } from './same-origin.js'
import { isTokenText, type TokenCarrier, takeToken } from './take-token.js'

/** The part of `createLatchkey`'s result that a guard uses. */
export type Verifier<C extends object = UntypedClaims> = Pick<Latchkey<C>, 'verify'>

/**
 * Returns the identity of the one token that a request carries, or `undefined` for a request
 * without credentials if they are optional: synchronously if everything needed is in memory, else
 * as a promise. Throws or rejects as `verify` does, and with `credentials_missing`,
 * `credentials_ambiguous`, `credentials_malformed` and `csrf_refused`.
 */
export type Guard<C extends object = UntypedClaims> = (carrier: TokenCarrier) => MaybePromise<Auth<C> | undefined>

/** The options of a guard, with the one that each adapter types by its framework. */
type CheckedOptions = GuardOptions & { readonly onRefusal?: unknown }

/**
 * Returns a guard with these options.
 *
 * @throws TypeError for wrong arguments: when the guard is made, not at the first request
 */
export function createGuard<C extends object>(latchkey: Verifier<C>, options: CheckedOptions): Guard<C> {
  checkGuard(latchkey, options)
  return (carrier) => identify(latchkey, carrier, options)
}

/**
 * Does what a `Guard` does, for functions whose options come with each request. They must have
 * passed `checkGuard`.
 */
export function identify<C extends object>(
  latchkey: Verifier<C>,
  carrier: TokenCarrier,
  options: GuardOptions,
): MaybePromise<Auth<C> | undefined> {
  const token = takeToken(carrier, options, csrfCheckOf(options))
  if (token === undefined) {
    if (options.optional === true) return undefined
    throw refusal('credentials_missing')
  }
  try {
    const auth = latchkey.verify(token)
    if (!isPromise(auth)) return auth
    return auth.then(undefined, (error: unknown) => {
      throw reasonOf(error, token)
    })
  } catch (error) {
    throw reasonOf(error, token)
  }
}

const bySite = sameOrigin()
const always: CsrfCheck = () => true

function csrfCheckOf({ csrf = bySite }: GuardOptions): CsrfCheck {
  return csrf === false ? always : csrf
}

/**
 * Returns `credentials_malformed` for a text that is no token, else the error of `verify`. Checked
 * only after a refusal, since an accepted token is well-formed.
 */
function reasonOf(error: unknown, token: string): unknown {
  return isTokenText(token) ? error : refusal('credentials_malformed')
}

const headerName = /^[\w!#$%&'*+.^`|~-]+$/

/** Throws a TypeError for wrong arguments of a guard. */
export function checkGuard(latchkey: Verifier<object>, options: CheckedOptions): void {
  if (typeof latchkey?.verify !== 'function') {
    throw new TypeError('latchkey is missing: pass the object that createLatchkey returned.')
  }
  if (typeof options !== 'object' || options === null) throw new TypeError('The options of a guard are an object.')
  const { cookie, header, body, query, optional, csrf, onRefusal } = options
  if (cookie !== undefined && !isHeaderName(cookie)) throw new TypeError('cookie is the name of a cookie.')
  if (header !== undefined && !(isHeaderName(header) && header.toLowerCase() !== 'authorization')) {
    throw new TypeError('header is the name of a header other than Authorization, which is always read.')
  }
  if (!(isFlag(body) && isFlag(query) && isFlag(optional))) {
    throw new TypeError('body, query and optional are true or false.')
  }
  if (csrf !== undefined && csrf !== false && typeof csrf !== 'function') {
    throw new TypeError('csrf is false or a function, such as sameOrigin() returns.')
  }
  if (onRefusal !== undefined && typeof onRefusal !== 'function') throw new TypeError('onRefusal is a function.')
}

function isHeaderName(name: unknown): name is string {
  return typeof name === 'string' && headerName.test(name)
}

function isFlag(value: unknown): boolean {
  return value === undefined || typeof value === 'boolean'
}
