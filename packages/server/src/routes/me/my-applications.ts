import type { OwnApplications } from '../../accounts/own-applications.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { applicationAnswer } from '../answers.js'
import { actingOf, originOf } from '../caller.js'
import { forBody, forToken, refusals } from '../refusals.js'
import { Application, applicationIdPattern, byToken } from '../schemas.js'

const shared = { tags: ['own account'], security: byToken } as const

const listSchema = {
  ...shared,
  operationId: 'listMyApplications',
  summary: 'List the services that received tokens in your name',
  description:
    'By token exchange, and by forward-auth with an audience, in a session that has not ended. Other ' +
    'applications behind a proxy use the session itself.',
  response: {
    200: Type.Object({ applications: Type.Array(Application) }, { additionalProperties: false }),
    ...refusals(...forToken),
  },
}

const endSchema = {
  ...shared,
  operationId: 'endMyApplication',
  summary: 'End the sessions in which a service received tokens in your name',
  description: 'Tokens that the service has already stay valid for at most five minutes.',
  params: Type.Object({ id: Type.String({ pattern: applicationIdPattern }) }),
  response: {
    204: Type.Null({ description: 'Done.' }),
    ...refusals(...forBody, ...forToken, 'csrf_refused', 'application_unknown'),
  },
}

/** GET /v1/me/applications · DELETE /v1/me/applications/:id */
export function addMyApplications(app: App, ownApplications: OwnApplications): void {
  app.get('/v1/me/applications', { schema: listSchema }, async (request) => {
    const applications = await ownApplications.list(actingOf(request).accountId)
    return { applications: applications.map(applicationAnswer) }
  })
  app.delete('/v1/me/applications/:id', { schema: endSchema }, async (request, reply) => {
    await ownApplications.end(actingOf(request), request.params.id, originOf(request))
    return reply.code(204).send(null)
  })
}
