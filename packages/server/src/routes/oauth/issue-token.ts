import type { Clients } from '../../clients/clients.js'
import type { TokenExchange } from '../../exchange/token-exchange.js'
import type { App } from '../../http/app.js'
import { httpFailures } from '../../http/failures.js'
import { oauthFailures } from '../../oauth/failures.js'
import { forBody, oauthRefusals } from '../refusals.js'
import { clientCredentialsGrant } from './client-credentials-grant.js'
import { addFormRoute, namedClient } from './form.js'
import { type Grant, TOKEN_EXCHANGE, TokenAnswer, TokenForm } from './grant.js'
import { tokenExchangeGrant } from './token-exchange-grant.js'

const schema = {
  tags: ['other services'],
  operationId: 'issueToken',
  summary: 'Get a token as a client (RFC 6749 §4.4) or for another service (RFC 8693)',
  description:
    'Form-encoded, as RFC 6749 requires. client_credentials: a client authenticates with its ' +
    'secret and gets an access token, but no refresh token. Token exchange: the new token is ' +
    'valid for five minutes, is signed with ES256, and is verified with the keys of /.well- ' +
    'known/jwks.json.',
  consumes: ['application/x-www-form-urlencoded'],
  body: TokenForm,
  response: {
    200: TokenAnswer,
    ...oauthRefusals(
      ...forBody,
      'parameters_malformed',
      'grant_unsupported',
      'client_unauthenticated',
      'client_ambiguous',
      'client_disabled',
      'scope_refused',
      'exchange_malformed',
      'subject_token_refused',
      'audience_refused',
    ),
  },
}

/** POST /oauth/token */
export function addIssueToken(app: App, clients: Clients, exchange: TokenExchange): void {
  const grants = new Map<string, Grant>([
    ['client_credentials', clientCredentialsGrant(clients)],
    [TOKEN_EXCHANGE, tokenExchangeGrant(exchange)],
  ])
  addFormRoute(app, (scope) => {
    const config = { limit: 'token', named: namedClient } as const
    scope.post('/oauth/token', { schema, config }, (request) => {
      const { grant_type } = request.body
      if (grant_type === undefined) throw httpFailures.refusal('parameters_malformed')
      const grant = grants.get(grant_type)
      if (grant === undefined) throw oauthFailures.refusal('grant_unsupported')
      return grant(request)
    })
  })
}
