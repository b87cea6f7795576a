import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Auth } from '../../auth.js'
import type { UntypedClaims } from '../../claims/check-claims.js'
import { isLatchkeyError, type LatchkeyError } from '../../errors.js'
import type { Verifier } from '../../http/guard.js'
import { checkGuard } from '../../http/guard.js'
import type { RequiredGuardOptions } from '../../http/guard-options.js'
import type { NodeRequest } from '../../http/node-request.js'
import { type NodeResponse, sendProblem } from '../../http/node-response.js'
import { authenticate, type NodeGuardOptions } from './authenticate.js'

/** Options of `requireAuth`. */
export interface NodeListenerOptions<Req = IncomingMessage, Res = ServerResponse> extends NodeGuardOptions {
  /**
   * Responds to a refused request.
   *
   * @defaultValue `sendProblem`
   */
  readonly onRefusal?: (error: LatchkeyError, req: Req, res: Res) => unknown
}

/** A listener of requests that also receives the identity. */
export type AuthenticatedListener<Req, Res, Identity> = (req: Req, res: Res, auth: Identity) => unknown

/**
 * Returns a request listener for `createServer` that calls another one only for requests with a
 * valid access token.
 *
 * A LatchkeyError that the inner listener throws, such as that of `requireRole`, is a refusal too.
 * Its other errors are those of the server.
 *
 * @param options Further places that may carry the token, and the handling of refusals.
 * @throws TypeError if an argument is wrong
 * @example
 * ```ts
 * import { createServer } from 'node:http'
 * import { createLatchkey, remoteJwks } from 'latchkey'
 * import { requireAuth } from 'latchkey/node'
 *
 * const keys = remoteJwks('https://auth.example/jwks.json')
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * createServer(requireAuth(latchkey, (_req, res, auth) => res.end(auth.subject)))
 * ```
 */
export function requireAuth<
  Req extends NodeRequest = IncomingMessage,
  Res extends NodeResponse = ServerResponse,
  C extends object = UntypedClaims,
>(
  latchkey: Verifier<C>,
  listener: AuthenticatedListener<Req, Res, Auth<C>>,
  options?: NodeListenerOptions<Req, Res> & RequiredGuardOptions,
): (req: Req, res: Res) => Promise<void>
/** With `optional`, the identity is `undefined` for a request without credentials. */
export function requireAuth<
  Req extends NodeRequest = IncomingMessage,
  Res extends NodeResponse = ServerResponse,
  C extends object = UntypedClaims,
>(
  latchkey: Verifier<C>,
  listener: AuthenticatedListener<Req, Res, Auth<C> | undefined>,
  options: NodeListenerOptions<Req, Res>,
): (req: Req, res: Res) => Promise<void>
export function requireAuth<Req extends NodeRequest, Res extends NodeResponse>(
  latchkey: Verifier<object>,
  listener: (req: Req, res: Res, auth: never) => unknown,
  options: NodeListenerOptions<Req, Res> = {},
): (req: Req, res: Res) => Promise<void> {
  checkGuard(latchkey, options)
  if (typeof listener !== 'function') throw new TypeError('requireAuth needs the listener that it guards.')
  const { onRefusal = (error, _req, res) => sendProblem(res, error) } = options
  return async (req, res) => {
    try {
      // The overloads say which type the listener expects.
      await listener(req, res, (await authenticate(latchkey, req, options)) as never)
    } catch (error) {
      if (!isLatchkeyError(error)) throw error
      await onRefusal(error, req, res)
    }
  }
}
