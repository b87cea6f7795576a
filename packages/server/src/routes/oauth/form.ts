import type { FastifyRequest } from 'fastify'
import { type ClientCredentials, parseClientCredentials } from '../../clients/client-credentials.js'
import type { App } from '../../http/app.js'
import { addFormParser } from '../../http/body-parsers.js'
import { headerValues } from '../../http/raw-headers.js'
import { Type } from '../../http/type.js'
import { Problem } from '../../problem.js'

/** Adds a route that takes the forms of OAuth, and nothing else. */
export function addFormRoute(app: App, add: (scope: App) => void): void {
  app.register(async (scope: App) => {
    addFormParser(scope)
    // Beside Cache-Control, which every answer has (RFC 6749 §5.1).
    scope.addHook('onRequest', async (_, reply) => void reply.header('Pragma', 'no-cache'))
    add(scope)
  })
}

/** A parameter of a form. What is missing is answered with the codes of OAuth, so that none is required here. */
export const parameter = (maxLength: number, description: string) =>
  Type.Optional(Type.String({ maxLength, description }))

/** The parameters of `client_secret_post` (RFC 6749 §2.3.1). */
export const clientParameters = {
  client_id: parameter(255, 'The ID of the client, unless it is in an Authorization header.'),
  client_secret: parameter(512, 'The secret of the client, unless it is in an Authorization header.'),
}

/** The request with a form that a schema has been checked against. */
type FormRequest = Pick<FastifyRequest, 'raw'> & { readonly body: Parameters<typeof parseClientCredentials>[0]['form'] }

/** The client credentials of a request; `undefined` where it has none. Fails with `client_unauthenticated`, `client_ambiguous`. */
export function credentialsOf({ raw, body }: FormRequest): ClientCredentials | undefined {
  return parseClientCredentials({ authorization: headerValues(raw.rawHeaders, 'authorization'), form: body })
}

/** Which client a request names, for its limits; whether that is true is found out later. */
export function namedClient(request: FastifyRequest): string | undefined {
  try {
    return credentialsOf(request as FormRequest)?.clientId
  } catch (error) {
    if (error instanceof Problem) return undefined
    throw error
  }
}
