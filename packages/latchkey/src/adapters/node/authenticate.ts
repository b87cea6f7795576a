import type { Auth } from '../../auth.js'
import { identify } from '../../http/identify.js'
import { type NodeRequest, nodeCarrier } from '../../http/node-request.js'
import type { TokenSources } from '../../http/take-token.js'
import type { Latchkey } from '../../latchkey.js'
import type { MaybePromise } from '../../maybe-promise.js'

/** Where a plain request may carry its token: Node.js parses no bodies and no queries. */
export type HeaderSources = Pick<TokenSources, 'cookie' | 'header'>

/**
 * Who the token of a request to a server of `node:http` or `node:http2` speaks for; also that of an upgrade to a WebSocket. The value itself when everything needed is in memory,
 * else a promise. Throws or rejects with a LatchkeyError; `sendProblem` answers it.
 *
 * With `cookie`, check the `Origin` header of an upgrade first: pages of any origin can open a WebSocket, and
 * the browser sends the cookie along.
 *
 * @example
 * createServer(async (req, res) => {
 *   try {
 *     const { subject } = await authenticate(latchkey, req)
 *     res.end(subject)
 *   } catch (error) {
 *     sendProblem(res, error)
 *   }
 * })
 */
export function authenticate(
  latchkey: Pick<Latchkey, 'verify'>,
  request: NodeRequest,
  sources: HeaderSources = {},
): MaybePromise<Auth> {
  return identify(latchkey, nodeCarrier(request, { body: undefined, query: undefined }, sources), sources)
}
