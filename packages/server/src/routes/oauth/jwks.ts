import type { KeyPairSource } from 'latchkey'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { refusals } from '../refusals.js'

const schema = {
  tags: ['other services'],
  operationId: 'jwks',
  summary: 'Read the public keys of tokens that were exchanged for other services (RFC 7517)',
  response: {
    200: Type.Object({
      keys: Type.Array(
        Type.Object(
          {
            kty: Type.String(),
            kid: Type.String(),
            alg: Type.String(),
            use: Type.Literal('sig'),
          },
          { additionalProperties: true },
        ),
      ),
    }),
    ...refusals(),
  },
}

/** GET /.well-known/jwks.json */
export function addJwks(app: App, serviceKeys: KeyPairSource): void {
  app.get('/.well-known/jwks.json', { schema }, async (_, reply) => {
    reply.header('Cache-Control', 'public, max-age=300')
    const { keys } = await serviceKeys.jwks()
    return { keys: [...keys] }
  })
}
