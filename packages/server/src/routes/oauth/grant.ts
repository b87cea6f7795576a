import type { FastifyRequest } from 'fastify'
import type { Static } from 'typebox'
import { Type } from '../../http/type.js'
import { clientParameters, parameter } from './form.js'

/** The `grant_type` of RFC 8693 §2.1. */
export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'

/** The type of an access token (RFC 8693 §3). */
export const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token'

/** The form of POST /oauth/token. Unknown parameters are ignored (RFC 6749 §3.2). */
export const TokenForm = Type.Object({
  grant_type: parameter(255, `client_credentials or ${TOKEN_EXCHANGE}`),
  ...clientParameters,
  scope: parameter(4096, 'With client_credentials: the requested scope. Default: the whole scope of the client.'),
  subject_token: parameter(8192, 'With token exchange: a valid access token of this server.'),
  subject_token_type: parameter(255, `With token exchange: ${ACCESS_TOKEN_TYPE}`),
  audience: parameter(255, 'With token exchange: one of LATCHKEY_SERVICE_AUDIENCES. Default: the first one.'),
})

/** The answer to a grant (RFC 6749 §5.1). */
export const TokenAnswer = Type.Object({
  access_token: Type.String(),
  token_type: Type.Literal('Bearer'),
  expires_in: Type.Integer({ description: 'Seconds.' }),
  scope: Type.Optional(Type.String({ description: 'With client_credentials: the scope of the token.' })),
  issued_token_type: Type.Optional(Type.Literal(ACCESS_TOKEN_TYPE, { description: 'With token exchange.' })),
})

/** Handles one `grant_type`. */
export type Grant = (
  request: Pick<FastifyRequest, 'raw' | 'ip' | 'ips'> & { readonly body: Static<typeof TokenForm> },
) => Promise<Static<typeof TokenAnswer>>
