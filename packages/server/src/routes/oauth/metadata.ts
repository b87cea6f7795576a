import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { refusals } from '../refusals.js'
import { TOKEN_EXCHANGE } from './grant.js'

const path = '/.well-known/oauth-authorization-server'
const clientMethods = ['client_secret_basic', 'client_secret_post']
const texts = Type.Array(Type.String())
const url = Type.String({ format: 'uri' })

const schema = {
  tags: ['other services'],
  operationId: 'readMetadata',
  summary: 'Read the authorization server metadata (RFC 8414)',
  response: {
    200: Type.Object({
      issuer: url,
      token_endpoint: url,
      introspection_endpoint: url,
      revocation_endpoint: url,
      jwks_uri: url,
      grant_types_supported: texts,
      response_types_supported: texts,
      scopes_supported: Type.Optional(texts),
      token_endpoint_auth_methods_supported: texts,
      introspection_endpoint_auth_methods_supported: texts,
      revocation_endpoint_auth_methods_supported: texts,
    }),
    ...refusals(),
  },
}

/**
 * GET /.well-known/oauth-authorization-server, also with the path of the issuer appended
 * (RFC 8414 §3.1)
 */
export function addMetadata(app: App, issuer: string, scopes: readonly string[]): void {
  const metadata = {
    issuer,
    token_endpoint: `${issuer}/oauth/token`,
    introspection_endpoint: `${issuer}/oauth/introspect`,
    revocation_endpoint: `${issuer}/oauth/revoke`,
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    grant_types_supported: ['client_credentials', TOKEN_EXCHANGE],
    // Empty, because there is no authorization endpoint. The member is required.
    response_types_supported: [],
    ...(scopes.length === 0 ? {} : { scopes_supported: [...scopes] }),
    // A token exchange authenticates by the exchanged token and needs no client.
    token_endpoint_auth_methods_supported: [...clientMethods, 'none'],
    introspection_endpoint_auth_methods_supported: clientMethods,
    revocation_endpoint_auth_methods_supported: [...clientMethods, 'none'],
  }
  const { pathname } = new URL(issuer)
  const paths = pathname === '/' ? [path] : [path, `${path}${pathname}`]
  for (const place of paths) {
    app.get(place, { schema: { ...schema, hide: place !== path } }, async (_, reply) => {
      reply.header('Cache-Control', 'public, max-age=300')
      return metadata
    })
  }
}
