import type { Clients } from '../../clients/clients.js'
import type { App } from '../../http/app.js'
import { clientAddress } from '../../http/client-address.js'
import { Type } from '../../http/type.js'
import type { TokenRevocation } from '../../oauth/token-revocation.js'
import { Problem } from '../../problem.js'
import { forBody, oauthRefusals } from '../refusals.js'
import { addFormRoute, clientParameters, credentialsOf, namedClient } from './form.js'
import { tokenParameters } from './introspect-token.js'

const schema = {
  tags: ['other services'],
  operationId: 'revokeToken',
  summary: 'End a token, and what it belongs to (RFC 7009)',
  description:
    'An access token or a refresh token of a login ends the session: whoever holds it may do that, with or without a client of its own. The token of a client ' +
    'is ended by that client alone, and no other token with it. The answer is 200 also for what does not hold. Form-encoded.',
  consumes: ['application/x-www-form-urlencoded'],
  body: Type.Object({ ...tokenParameters, ...clientParameters }),
  response: {
    200: Type.Null({ description: 'It does not hold (any more).' }),
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
      if (token === undefined) throw new Problem('parameters_malformed')
      await revocation.revoke(token, { client, address })
      return reply.code(200).send(null)
    })
  })
}
