import type { Clients } from '../../clients/clients.js'
import type { App } from '../../http/app.js'
import { clientAddress } from '../../http/client-address.js'
import { httpFailures } from '../../http/failures.js'
import { Type } from '../../http/type.js'
import type { TokenRevocation } from '../../oauth/token-revocation.js'
import { forBody, oauthRefusals } from '../refusals.js'
import { addFormRoute, clientParameters, credentialsOf, namedClient } from './form.js'
import { tokenParameters } from './introspect-token.js'

const schema = {
  tags: ['other services'],
  operationId: 'revokeToken',
  summary: 'Revoke a token (RFC 7009)',
  description:
    'An access token or a refresh token of a login ends its session: anyone who has the token ' +
    'may do that, with or without client credentials. A token of a client can only be revoked ' +
    'by that client, and no other token ends with it. The answer is also 200 for a token that ' +
    'is not valid. Form-encoded.',
  consumes: ['application/x-www-form-urlencoded'],
  body: Type.Object({ ...tokenParameters, ...clientParameters }),
  response: {
    200: Type.Null({ description: 'The token is not valid, or not any more.' }),
    ...oauthRefusals(
      ...forBody,
      'parameters_malformed',
      'client_unauthenticated',
      'client_ambiguous',
      'client_disabled',
      'token_not_own',
    ),
  },
}

/** POST /oauth/revoke */
export function addRevokeToken(app: App, clients: Clients, revocation: TokenRevocation): void {
  addFormRoute(app, (scope) => {
    const config = { limit: 'token', named: namedClient } as const
    scope.post('/oauth/revoke', { schema, config }, async (request, reply) => {
      const credentials = credentialsOf(request)
      const address = clientAddress(request)
      const client = credentials === undefined ? undefined : await clients.authenticate(credentials, address)
      const { token } = request.body
      if (token === undefined) throw httpFailures.refusal('parameters_malformed')
      await revocation.revoke(token, { client, address })
      return reply.code(200).send(null)
    })
  })
}
