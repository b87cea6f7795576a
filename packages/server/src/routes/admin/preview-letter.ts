import type { LetterPreviews } from '../../admin/letter-previews.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import type { Locale } from '../../locales.js'
import { type LetterName, letterNames } from '../../mail/example-letters.js'
import { forAdmin, forUrl, refusals } from '../refusals.js'
import { byToken } from '../schemas.js'

/** GET /v1/admin/letter-templates/:kind */
export function addPreviewLetter(app: App, previews: LetterPreviews, offered: readonly Locale[]): void {
  const schema = {
    tags: ['administration'],
    operationId: 'previewLetter',
    summary: 'Read a letter with example values, by the template that is in use',
    security: byToken,
    params: Type.Object({ kind: Type.Unsafe<LetterName>({ enum: [...letterNames] }) }),
    querystring: Type.Object(
      {
        locale: Type.Optional(
          Type.Unsafe<Locale>({ enum: [...offered], description: 'Default: the language of LATCHKEY_LOCALE.' }),
        ),
      },
      { additionalProperties: false },
    ),
    response: {
      200: Type.Object({
        locale: Type.String(),
        locales: Type.Array(Type.String(), { description: 'The languages that this server offers.' }),
        dir: Type.Enum(['ltr', 'rtl'], { description: 'The direction of the language.' }),
        subject: Type.String(),
        text: Type.String(),
        html: Type.String(),
      }),
      ...refusals(...forUrl, ...forAdmin),
    },
  }
  app.get('/v1/admin/letter-templates/:kind', { schema }, async (request) => ({
    ...(await previews.of(request.params.kind, request.query.locale)),
    locales: [...offered],
  }))
}
