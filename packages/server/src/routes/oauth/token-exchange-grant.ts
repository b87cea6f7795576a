import { exchangeFailures } from '../../exchange/failures.js'
import type { TokenExchange } from '../../exchange/token-exchange.js'
import { clientAddress } from '../../http/client-address.js'
import { ACCESS_TOKEN_TYPE, type Grant } from './grant.js'

/**
 * Token exchange (RFC 8693): returns a token that other services can verify with the JWKS, in
 * exchange for a token of this server.
 */
export function tokenExchangeGrant(exchange: TokenExchange): Grant {
  return async (request) => {
    const { subject_token, subject_token_type, audience } = request.body
    if (subject_token === undefined || subject_token_type !== ACCESS_TOKEN_TYPE)
      throw exchangeFailures.refusal('exchange_malformed')
    const { accessToken, expiresInSec } = await exchange.exchange(subject_token, audience, clientAddress(request))
    return {
      access_token: accessToken,
      issued_token_type: ACCESS_TOKEN_TYPE,
      token_type: 'Bearer',
      expires_in: expiresInSec,
    }
  }
}
