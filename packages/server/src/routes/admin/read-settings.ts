import type { DescribedSetting } from '../../config/describe-settings.js'
import { settingSources } from '../../config/environment-reader.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { forAdmin, refusals } from '../refusals.js'
import { byToken } from '../schemas.js'

const nullableText = (description: string) => Type.Union([Type.String({ description }), Type.Null()])

const schema = {
  tags: ['administration'],
  operationId: 'readSettings',
  summary: 'Read the settings of this server: the values in effect and their sources, without secrets',
  description: 'As they were when this server started. Servers of one database may have different settings.',
  security: byToken,
  response: {
    200: Type.Object({
      settings: Type.Array(
        Type.Object({
          name: Type.String({ description: 'The environment variable.' }),
          group: Type.String(),
          description: Type.String(),
          accepts: Type.String({ description: 'Completes the sentence "It must be …".' }),
          secret: Type.Boolean({ description: 'Whether the value is secret, so that no answer contains it.' }),
          source: Type.Enum([...settingSources], { description: 'file: the variable with "_FILE" names the file.' }),
          set: Type.Boolean({ description: 'Whether there is a value.' }),
          value: nullableText('The value in effect, cut off after 2,000 characters; null for a secret and for none.'),
          default: nullableText('The default in words, where a value alone would not explain it.'),
        }),
      ),
    }),
    ...refusals(...forAdmin),
  },
}

/** GET /v1/admin/settings */
export function addReadSettings(app: App, settings: readonly DescribedSetting[]): void {
  app.get('/v1/admin/settings', { schema }, async () => ({ settings: settings.map(settingAnswer) }))
}

function settingAnswer({ isSecret, isSet, defaultText, ...described }: DescribedSetting) {
  return { ...described, secret: isSecret, set: isSet, default: defaultText }
}
