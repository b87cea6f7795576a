import type { Clients } from '../../clients/clients.js'
import { clientFailures } from '../../clients/failures.js'
import { clientAddress } from '../../http/client-address.js'
import { credentialsOf } from './form.js'
import type { Grant } from './grant.js'

/**
 * `grant_type=client_credentials` (RFC 6749 §4.4): returns a token for the client itself, without a
 * refresh token (§4.4.3).
 */
export function clientCredentialsGrant(clients: Clients): Grant {
  return async (request) => {
    const credentials = credentialsOf(request)
    if (credentials === undefined) throw clientFailures.refusal('client_unauthenticated')
    const { scope } = request.body
    const granted = await clients.grant({ credentials, scope, address: clientAddress(request) })
    return {
      access_token: granted.accessToken,
      token_type: 'Bearer',
      expires_in: granted.expiresInSec,
      ...(granted.scope === '' ? {} : { scope: granted.scope }),
    }
  }
}
