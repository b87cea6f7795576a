import type { IncomingMessage } from 'node:http'
import type { GuardOptions } from '../../http/guard-options.js'
import { nodeCarrier } from '../../http/node-request.js'
import { queryOf } from '../../http/parameters.js'
import type { TokenCarrier } from '../../http/take-token.js'
import { trimWhitespace } from '../../http/trim-whitespace.js'
import { withCredentials } from '../../http/with-credentials.js'

/** The subprotocol that announces that the next offered one is an access token. */
const marker = 'latchkey.bearer'

/**
 * Returns the parts of a handshake that may carry a token. Removes the token from the offered
 * subprotocols, so that no server selects it and sends it back.
 */
export function upgradeCarrier(request: IncomingMessage, options: GuardOptions): TokenCarrier {
  const { tokens, protocols } = splitProtocols(request.headers['sec-websocket-protocol'])
  if (tokens.length > 0) request.headers['sec-websocket-protocol'] = protocols.join(', ')
  const query = options.query === true ? queryOf(request.url ?? '') : undefined
  const carrier = nodeCarrier(request, { body: undefined, query }, options)
  return withCredentials({ ...carrier, isUpgrade: true }, tokens)
}

/** Returns the tokens among the offered subprotocols, and the others in their order. */
function splitProtocols(offered = ''): { readonly tokens: readonly string[]; readonly protocols: readonly string[] } {
  const all = offered.split(',').map(trimWhitespace)
  const isToken = (index: number) => all[index - 1] === marker
  const tokens = all.filter((_, index) => isToken(index))
  // A marker without a token is a malformed credential, not an absent one.
  if (all.at(-1) === marker) tokens.push('')
  return { tokens, protocols: all.filter((_, index) => !isToken(index)) }
}
