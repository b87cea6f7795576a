import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { refusals } from '../refusals.js'

const schema = {
  tags: ['passkeys'],
  operationId: 'relatedOrigins',
  summary: 'Read the origins that may use the passkeys of this server (WebAuthn Level 3 §5.11)',
  response: { 200: Type.Object({ origins: Type.Array(Type.String()) }), ...refusals() },
}

/** GET /.well-known/webauthn, if there are several origins. */
export function addRelatedOrigins(app: App, allowed: readonly string[]): void {
  // Browsers compare the origins of pages; apps are linked by files of their own.
  const origins = allowed.filter((origin) => origin.startsWith('https:'))
  if (origins.length < 2) return
  app.get('/.well-known/webauthn', { schema }, async (_, reply) => {
    reply.header('Cache-Control', 'public, max-age=300')
    return { origins }
  })
}
