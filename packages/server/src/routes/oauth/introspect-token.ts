import type { AuditTrail } from '../../audit/audit-trail.js'
import type { Clients } from '../../clients/clients.js'
import type { App } from '../../http/app.js'
import { clientAddress } from '../../http/client-address.js'
import { httpFailures } from '../../http/failures.js'
import { Type } from '../../http/type.js'
import { oauthFailures } from '../../oauth/failures.js'
import type { Introspection } from '../../oauth/introspection.js'
import { forBody, oauthRefusals } from '../refusals.js'
import { addFormRoute, clientParameters, credentialsOf, namedClient, parameter } from './form.js'

/**
 * Longer than any token of this server, so that the answer to a longer text is "not active" too.
 */
const maxTokenLength = 65_536

/** The parameters that RFC 7662 and RFC 7009 share. */
export const tokenParameters = {
  token: parameter(maxTokenLength, 'An access token or a refresh token.'),
  token_type_hint: parameter(255, 'Ignored: the server recognises the type of a token.'),
}

const schema = {
  tags: ['other services'],
  operationId: 'introspectToken',
  summary: 'Introspect a token (RFC 7662)',
  description:
    'For clients with "may_introspect". The answer for any token that is not valid is ' +
    '{"active": false}, without the reason. It is 503 when the token could not be checked. ' +
    'Introspection does not use a refresh token up. Form-encoded.',
  consumes: ['application/x-www-form-urlencoded'],
  body: Type.Object({ ...tokenParameters, ...clientParameters }),
  response: {
    200: Type.Object(
      {
        active: Type.Boolean(),
        iss: Type.Optional(Type.String()),
        sub: Type.Optional(Type.String({ description: 'The account or the client.' })),
        aud: Type.Optional(Type.Union([Type.String(), Type.Array(Type.String())])),
        client_id: Type.Optional(Type.String({ description: 'With the token of a client.' })),
        scope: Type.Optional(Type.String({ description: 'The stored scope, narrowed by the token.' })),
        role: Type.Optional(Type.String({ description: 'The stored right of an account in this server.' })),
        roles: Type.Optional(Type.Array(Type.String(), { description: 'The stored roles.' })),
        auth_time: Type.Optional(
          Type.Number({ description: 'When the user last authenticated, in seconds since 1970 (RFC 9470 §6.2).' }),
        ),
        acr: Type.Optional(Type.String({ description: 'The level of that authentication: aal1 or aal2.' })),
        act: Type.Optional(
          Type.Object(
            { sub: Type.String() },
            { description: 'The administrator who acts in the session instead of its owner (RFC 8693 §4.1).' },
          ),
        ),
        sid: Type.Optional(Type.String({ description: 'The session.' })),
        exp: Type.Optional(Type.Number({ description: 'Seconds since 1970.' })),
        iat: Type.Optional(Type.Number({ description: 'Seconds since 1970.' })),
        jti: Type.Optional(Type.String()),
        token_type: Type.Optional(Type.Literal('Bearer', { description: 'With an access token.' })),
      },
      { additionalProperties: false },
    ),
    ...oauthRefusals(
      ...forBody,
      'parameters_malformed',
      'client_unauthenticated',
      'client_ambiguous',
      'client_disabled',
      'introspection_refused',
    ),
  },
}

/** POST /oauth/introspect */
export function addIntrospectToken(
  app: App,
  {
    audit,
    clients,
    inspection,
  }: { readonly audit: AuditTrail; readonly clients: Clients; readonly inspection: Introspection },
): void {
  addFormRoute(app, (scope) => {
    const config = { limit: 'introspection', named: namedClient } as const
    scope.post('/oauth/introspect', { schema, config }, async (request) => {
      const address = clientAddress(request)
      const { id, mayIntrospect } = await clients.authenticate(credentialsOf(request), address)
      if (!mayIntrospect) {
        await audit.countRefused('token_introspect', { accountId: id, address })
        throw oauthFailures.refusal('introspection_refused')
      }
      const { token } = request.body
      if (token === undefined) throw httpFailures.refusal('parameters_malformed')
      const described = await inspection.inspect(token)
      request.outcome = described === undefined ? 'inactive' : 'active'
      return { ...described, active: described !== undefined }
    })
  })
}
