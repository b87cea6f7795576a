import type { FastifyRequest } from 'fastify'
import { type ClientCredentials, parseClientCredentials } from '../../clients/client-credentials.js'
import type { App } from '../../http/app.js'
import { addFormParser } from '../../http/body-parsers.js'
import { headerValues } from '../../http/raw-headers.js'
import { Type } from '../../http/type.js'
import { isProblem } from '../../problem.js'

/** Adds a route that accepts only form-encoded bodies, as OAuth requires. */
export function addFormRoute(app: App, add: (scope: App) => void): void {
  app.register(async (scope: App) => {
    addFormParser(scope)
    // In addition to Cache-Control, which every answer has (RFC 6749 §5.1).
    scope.addHook('onRequest', async (_, reply) => void reply.header('Pragma', 'no-cache'))
    add(scope)
  })
}

/**
 * A parameter of a form. None is required by the schema: OAuth has error codes for missing ones.
 */
export const parameter = (maxLength: number, description: string) =>
  Type.Optional(Type.String({ maxLength, description }))

/** The parameters of `client_secret_post` (RFC 6749 §2.3.1). */
export const clientParameters = {
  client_id: parameter(255, 'The ID of the client, unless the Authorization header contains it.'),
  client_secret: parameter(512, 'The secret of the client, unless the Authorization header contains it.'),
}

/** A request with a validated form. */
type FormRequest = Pick<FastifyRequest, 'raw'> & { readonly body: Parameters<typeof parseClientCredentials>[0]['form'] }

/**
 * Returns the client credentials of a request, or `undefined` if it has none.
 *
 * @throws Problem `client_unauthenticated`, `client_ambiguous`
 */
export function credentialsOf({ raw, body }: FormRequest): ClientCredentials | undefined {
  return parseClientCredentials({ authorization: headerValues(raw.rawHeaders, 'authorization'), form: body })
}

/** Returns the client ID in a request, for the rate limits. The client is not authenticated yet. */
export function namedClient(request: FastifyRequest): string | undefined {
  try {
    return credentialsOf(request as FormRequest)?.clientId
  } catch (error) {
    if (isProblem(error)) return undefined
    throw error
  }
}
