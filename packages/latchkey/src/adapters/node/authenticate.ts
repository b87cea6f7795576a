import type { Auth } from '../../auth.js'
import type { UntypedClaims } from '../../claims/check-claims.js'
import { checkGuard, identify, type Verifier } from '../../http/guard.js'
import type { GuardOptions, RequiredGuardOptions } from '../../http/guard-options.js'
import { type NodeRequest, nodeCarrier } from '../../http/node-request.js'
import { queryOf } from '../../http/parameters.js'
import type { MaybePromise } from '../../maybe-promise.js'

/** Options for a plain Node.js request, which has no parsed body. */
export type NodeGuardOptions = Omit<GuardOptions, 'body'>

/**
 * Returns the identity of the token that a request to a `node:http` or `node:http2` server carries,
 * including the upgrade request of a WebSocket. It needs no response object.
 *
 * @param options Further places that may carry the token. With `cookie`, an upgrade is refused
 * unless a page of this origin has caused it, because a page of any origin can open a WebSocket.
 * @returns The identity: synchronously if everything needed is in memory, else as a promise.
 * @throws LatchkeyError the refusals of `latchkey.verify`, `credentials_missing`,
 * `credentials_ambiguous`, `credentials_malformed` and `csrf_refused`. `sendProblem` sends the
 * response to one.
 * @throws TypeError if an argument is wrong
 * @example
 * ```ts
 * import { createServer } from 'node:http'
 * import { createLatchkey, remoteJwks } from 'latchkey'
 * import { authenticate, sendProblem } from 'latchkey/node'
 *
 * const keys = remoteJwks('https://auth.example/jwks.json')
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * createServer(async (req, res) => {
 *   try {
 *     res.end((await authenticate(latchkey, req)).subject)
 *   } catch (error) {
 *     sendProblem(res, error)
 *   }
 * })
 * ```
 */
export function authenticate<C extends object = UntypedClaims>(
  latchkey: Verifier<C>,
  request: NodeRequest,
  options?: NodeGuardOptions & RequiredGuardOptions,
): MaybePromise<Auth<C>>
/** With `optional`, returns `undefined` for a request without credentials. */
export function authenticate<C extends object = UntypedClaims>(
  latchkey: Verifier<C>,
  request: NodeRequest,
  options: NodeGuardOptions,
): MaybePromise<Auth<C> | undefined>
export function authenticate<C extends object>(
  latchkey: Verifier<C>,
  request: NodeRequest,
  options: NodeGuardOptions = {},
): MaybePromise<Auth<C> | undefined> {
  checkGuard(latchkey, options)
  const query = options.query === true ? queryOf(request.url ?? '') : undefined
  return identify(latchkey, nodeCarrier(request, { body: undefined, query }, options), options)
}
