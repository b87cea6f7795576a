import type { TokenPreviews } from '../../admin/token-preview.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { forAdmin, forUrl, refusals } from '../refusals.js'
import { byToken, IdParams } from '../schemas.js'

const members = (description: string) => Type.Record(Type.String(), Type.Unknown(), { description })

const schema = {
  tags: ['administration'],
  operationId: 'previewToken',
  summary: 'Read what an access token of an account would contain if it were issued now; nothing is signed',
  security: byToken,
  params: IdParams,
  response: {
    200: Type.Object({
      refusal: Type.Union([Type.Enum(['tenant_disabled']), Type.Null()], {
        description: 'Why no token would be issued; null if one would.',
      }),
      header: members('The header. "kid" is null if a sign-in would first create a secret.'),
      claims: members('The claims that do not depend on the session.'),
      per_token: Type.Array(Type.String(), { description: 'Further claims, whose values the sign-in decides.' }),
      grants: members('The rights, which are stored with the account and not part of the token.'),
      lifetime_seconds: Type.Integer(),
    }),
    ...refusals(...forUrl, ...forAdmin, 'account_unknown'),
  },
}

/** GET /v1/admin/users/:id/token-preview */
export function addPreviewToken(app: App, previews: TokenPreviews): void {
  app.get('/v1/admin/users/:id/token-preview', { schema }, async (request) => {
    const { refusal, header, claims, perToken, grants, lifetimeSec } = await previews.of(request.params.id)
    return { refusal, header, claims, per_token: [...perToken], grants, lifetime_seconds: lifetimeSec }
  })
}
