import type { Auth } from '../../auth.js'
import { identify } from '../../http/identify.js'
import { type NodeRequest, nodeCarrier } from '../../http/node-request.js'
import type { TokenSources } from '../../http/take-token.js'
import type { Latchkey } from '../../latchkey-api.js'
import type { MaybePromise } from '../../maybe-promise.js'

/** The sources of a token that a plain Node.js request has: no parsed body and no parsed query. */
export type HeaderSources = Pick<TokenSources, 'cookie' | 'header'>

/**
 * Returns the identity of the token that a request to a `node:http` or `node:http2` server carries,
 * including the upgrade request of a WebSocket.
 *
 * With `cookie` as a source, check the `Origin` header of an upgrade first: a page of any origin
 * can open a WebSocket, and the browser attaches the cookie.
 *
 * @param sources Further places that may carry the token.
 * @returns The identity: synchronously if everything needed is in memory, else as a promise.
 * @throws LatchkeyError the refusals of `latchkey.verify`, `credentials_missing`,
 * `credentials_ambiguous` and `credentials_malformed`. `sendProblem` sends the response to one.
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
export function authenticate(
  latchkey: Pick<Latchkey, 'verify'>,
  request: NodeRequest,
  sources: HeaderSources = {},
): MaybePromise<Auth> {
  return identify(latchkey, nodeCarrier(request, { body: undefined, query: undefined }, sources), sources)
}
