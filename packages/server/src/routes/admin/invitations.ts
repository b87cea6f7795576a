import type { Invitation } from '../../accounts/invitations.js'
import type { InvitationAdministration } from '../../admin/invitation-administration.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import type { Locale } from '../../locales.js'
import { timeAnswer } from '../answers.js'
import { administratorOf } from '../caller.js'
import { forAdmin, forBody, forUrl, refusals } from '../refusals.js'
import { byToken, EmailInput, firstId, IdParams, pageQuery } from '../schemas.js'

const closed = { additionalProperties: false }
const time = (description: string) => Type.String({ format: 'date-time', description })

const Delivery = Type.Union([Type.Literal('mail'), Type.Literal('link')], {
  description: '"mail": the link is only mailed to the address. "link": the link is in the answer, to hand out.',
})

const invitationFields = {
  id: Type.String({ format: 'uuid' }),
  email: Type.String({ description: 'The address of the account to create.' }),
  delivery: Delivery,
  invited_by: Type.String({ description: 'The ID of the administrator, or "cli".' }),
  created_at: time('The time of its creation.'),
  expires_at: time('The time of its expiry.'),
  mailed_at: Type.Union([time('The time when the e-mail with the link was written.'), Type.Null()]),
}

const common = { tags: ['administration'], security: byToken }

const inviteSchemaOf = (offered: readonly Locale[]) => ({
  ...common,
  operationId: 'inviteUser',
  summary: 'Invite the owner of an address to create an account',
  description: 'The link works once, until it expires. It replaces an earlier one to the same address.',
  body: Type.Object(
    {
      email: EmailInput,
      delivery: Delivery,
      locale: Type.Optional(
        Type.Unsafe<Locale>({
          enum: [...offered],
          description: 'The language of the e-mail; by default that of LATCHKEY_LOCALE.',
        }),
      ),
    },
    closed,
  ),
  response: {
    201: Type.Object(
      {
        ...invitationFields,
        url: Type.Optional(
          Type.String({ description: 'With "link": shown only once, because the server stores a hash of it.' }),
        ),
      },
      closed,
    ),
    ...refusals(
      ...forBody,
      ...forAdmin,
      'csrf_refused',
      'registration_closed',
      'email_invalid',
      'email_taken',
      'mail_unavailable',
    ),
  },
})

const listSchema = {
  ...common,
  operationId: 'listInvitations',
  summary: 'List open invitations, oldest first',
  querystring: Type.Object(pageQuery, closed),
  response: {
    200: Type.Object({
      invitations: Type.Array(Type.Object(invitationFields, closed)),
      next_cursor: Type.Union([Type.String({ format: 'uuid' }), Type.Null()]),
    }),
    ...refusals(...forUrl, ...forAdmin),
  },
}

const revokeSchema = {
  ...common,
  operationId: 'revokeInvitation',
  summary: 'Revoke an invitation',
  params: IdParams,
  response: {
    204: Type.Null({ description: 'Done.' }),
    ...refusals(...forBody, ...forAdmin, 'csrf_refused', 'invitation_unknown'),
  },
}

/** POST /v1/admin/invitations · GET /v1/admin/invitations · DELETE /v1/admin/invitations/:id */
export function addInvitations(
  app: App,
  invitationAdministration: InvitationAdministration,
  offered: readonly Locale[],
): void {
  app.post('/v1/admin/invitations', { schema: inviteSchemaOf(offered) }, async (request, reply) => {
    const { invitation, url } = await invitationAdministration.invite(administratorOf(request), request.body)
    return reply.code(201).send({ ...invitationAnswer(invitation), ...(url === undefined ? {} : { url }) })
  })
  app.get('/v1/admin/invitations', { schema: listSchema }, async (request) => {
    const { limit, cursor = firstId } = request.query
    const { items, next } = await invitationAdministration.list({ limit, after: cursor })
    return { invitations: items.map(invitationAnswer), next_cursor: next ?? null }
  })
  app.delete('/v1/admin/invitations/:id', { schema: revokeSchema }, async (request, reply) => {
    await invitationAdministration.revoke(administratorOf(request), request.params.id)
    return reply.code(204).send(null)
  })
}

function invitationAnswer(invitation: Invitation) {
  return {
    id: invitation.id,
    email: invitation.email,
    delivery: invitation.delivery,
    invited_by: invitation.invitedBy,
    created_at: timeAnswer(invitation.createdAt),
    expires_at: timeAnswer(invitation.expiresAt),
    mailed_at: invitation.mailedAt === null ? null : timeAnswer(invitation.mailedAt),
  }
}
