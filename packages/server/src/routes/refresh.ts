import type { FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import type { App } from '../http/app.js'
import { parseRefreshToken } from '../sessions/refresh-token.js'
import { tokensAnswer } from './answers.js'
import { forBody, refusals } from './refusals.js'
import { originOf, type RouteContext } from './route-context.js'

const schema = {
  tags: ['sign in'],
  summary: 'Get new tokens',
  description:
    'Each refresh token is used once and gives its successor. The one just replaced gives the same successor for 10 seconds more, ' +
    'so that parallel tabs and lost answers log nobody out; an older one ends the session.',
  body: Type.Object({ refresh_token: Type.String({ minLength: 1, maxLength: 512 }) }, { additionalProperties: false }),
  response: {
    200: Type.Ref('Tokens#'),
    ...refusals(
      ...forBody,
      'refresh_token_invalid',
      'refresh_token_expired',
      'refresh_token_reused',
      'session_ended',
      'tenant_disabled',
    ),
  },
}

/** POST /v1/refresh */
export function addRefresh(app: App, { sessions }: RouteContext): void {
  app.post('/v1/refresh', { schema, config: { limit: 'refresh', named } }, async (request) =>
    tokensAnswer(await sessions.refresh(request.body.refresh_token, originOf(request))),
  )
}

/** The session that the token claims to belong to. */
function named({ body }: FastifyRequest): string {
  return parseRefreshToken((body as Static<typeof schema.body>).refresh_token)?.sessionId ?? ''
}
