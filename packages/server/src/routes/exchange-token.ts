import { Type } from 'typebox'
import type { App } from '../http/app.js'
import { addFormParser } from '../http/body-parsers.js'
import { Problem } from '../problem.js'
import { forBody, refusals } from './refusals.js'
import type { RouteContext } from './route-context.js'

const grantType = 'urn:ietf:params:oauth:grant-type:token-exchange'
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'
const text = (maxLength: number, description: string) => Type.Optional(Type.String({ maxLength, description }))

const schema = {
  tags: ['other services'],
  summary: 'Exchange an access token for one that other services can verify (RFC 8693)',
  description:
    'The new token lives for five minutes, is signed with ES256, and is verified with the keys of /.well-known/jwks.json. ' +
    'Form-encoded, as RFC 6749 asks for.',
  consumes: ['application/x-www-form-urlencoded'],
  // Parameters that are not understood are ignored (RFC 6749 §3.2), and what is missing is answered with the codes of OAuth.
  body: Type.Object({
    grant_type: text(255, grantType),
    subject_token: text(8192, 'A valid access token of this server.'),
    subject_token_type: text(255, accessTokenType),
    audience: text(255, 'One of LATCHKEY_SERVICE_AUDIENCES; the first by default.'),
  }),
  response: {
    200: Type.Object({
      access_token: Type.String(),
      issued_token_type: Type.Literal(accessTokenType),
      token_type: Type.Literal('Bearer'),
      expires_in: Type.Integer({ description: 'Seconds.' }),
    }),
    ...refusals(...forBody, 'grant_unsupported', 'exchange_malformed', 'subject_token_refused', 'audience_refused'),
  },
}

/** POST /oauth/token */
export function addExchangeToken(app: App, { exchange }: RouteContext): void {
  app.register(async (scope: App) => {
    addFormParser(scope)
    scope.post('/oauth/token', { schema }, async (request) => {
      const { grant_type, subject_token, subject_token_type, audience } = request.body
      if (grant_type !== undefined && grant_type !== grantType) throw new Problem('grant_unsupported')
      const complete = grant_type === grantType && subject_token_type === accessTokenType
      if (!complete || subject_token === undefined) throw new Problem('exchange_malformed')
      const { accessToken, expiresInSec } = await exchange.exchange(subject_token, audience)
      return {
        access_token: accessToken,
        issued_token_type: accessTokenType,
        token_type: 'Bearer',
        expires_in: expiresInSec,
      } as const
    })
  })
}
