import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { onlyRefusals } from '../refusals.js'

const schema = {
  tags: ['operations'],
  operationId: 'livez',
  summary: 'Check whether the process is running',
  response: { 200: Type.Object({ status: Type.Literal('ok') }), ...onlyRefusals('text_malformed') },
}

/** GET /livez */
export function addLivez(app: App): void {
  app.get('/livez', { schema, logLevel: 'warn', config: { limit: 'none' } }, async () => ({ status: 'ok' as const }))
}
