import { Type } from 'typebox'
import type { App } from '../http/app.js'

const schema = {
  tags: ['operations'],
  operationId: 'livez',
  summary: 'Whether the process runs',
  response: { 200: Type.Object({ status: Type.Literal('ok') }) },
}

/** GET /livez */
export function addLivez(app: App): void {
  app.get('/livez', { schema, logLevel: 'warn', config: { limit: 'none' } }, async () => ({ status: 'ok' as const }))
}
