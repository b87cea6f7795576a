import { tokenCheckNames, tokenCheckOutcomes } from '../../admin/token-checks.js'
import { type Inspection, type TokenInspector, tokenKinds } from '../../admin/token-inspector.js'
import { deviceName } from '../../device-name.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { timeAnswer } from '../answers.js'
import { forAdmin, forBody, refusals } from '../refusals.js'
import { byToken } from '../schemas.js'

const Members = Type.Union([Type.Record(Type.String(), Type.Unknown()), Type.Null()])
const time = (description: string) => Type.String({ format: 'date-time', description })
const nullableTime = (description: string) => Type.Union([time(description), Type.Null()])

const Check = Type.Object({
  name: Type.Enum([...tokenCheckNames]),
  contract: Type.String({ description: 'The contract of the design that the check enforces: C1 to C10.' }),
  outcome: Type.Enum([...tokenCheckOutcomes], {
    description: 'not_checked: another check has refused before. not_applicable: tokens of this kind do not need it.',
  }),
  explanation: Type.String(),
})

const Secret = Type.Object({
  tenant: Type.String({ description: 'The account or the client that owns the secret.' }),
  disabled: Type.Boolean(),
  generation: Type.Integer(),
  state: Type.Enum(['active', 'in_grace', 'ended'], { description: 'active: it signs. in_grace: it only verifies.' }),
  created_at: time('The time of its creation.'),
  retires_at: nullableTime('The time after which it verifies no more; null for the signing secret.'),
  reissue_required: Type.Boolean(),
})

const Owner = Type.Object({
  kind: Type.Enum(['account', 'client']),
  id: Type.String(),
  label: Type.String({ description: 'The address of the account, or the name of the client.' }),
  name: Type.Union([Type.String(), Type.Null()]),
  disabled: Type.Boolean(),
})

const InspectedSession = Type.Object({
  id: Type.String(),
  device: Type.Union([Type.String(), Type.Null()]),
  created_at: time('The start of the session.'),
  last_used_at: time('The last refresh.'),
  ended_at: nullableTime('The end of the session.'),
})

const schema = {
  tags: ['administration'],
  operationId: 'inspectToken',
  summary: 'Decode a token and report by which checks this server accepts or refuses it',
  description:
    'For access tokens and for tokens of other services. A refresh token is named, and not decoded. No part of the ' +
    'answer contains the signature, and the token is not logged. A forged token with a valid signature revokes the ' +
    'secret, as it does everywhere else.',
  security: byToken,
  body: Type.Object({ token: Type.String({ minLength: 1, maxLength: 16_384 }) }, { additionalProperties: false }),
  response: {
    200: Type.Object({
      kind: Type.Enum([...tokenKinds], {
        description: 'service_token: signed for other services by a token exchange. unknown: no token of this server.',
      }),
      accepted: Type.Boolean(),
      refusal: Type.Union([
        Type.Object({ code: Type.String(), message: Type.String(), hint: Type.String() }),
        Type.Null(),
      ]),
      checks: Type.Array(Check, { description: 'The checks in their order; none if the text is no such token.' }),
      verified: Type.Boolean({
        description: 'Whether the owner of the key has signed header and claims. If not, their author is unknown.',
      }),
      grants: Members,
      header: Members,
      claims: Members,
      issued_at: nullableTime('The claim iat.'),
      not_before: nullableTime('The claim nbf.'),
      expires_at: nullableTime('The claim exp.'),
      checked_at: time('The time of this server.'),
      secret: Type.Union([Secret, Type.Null()], {
        description: 'The stored secret of the key ID; null if it was removed or never existed.',
      }),
      owner: Type.Union([Owner, Type.Null()], {
        description:
          'The stored owner of the secret, or of a service token that is verified. While "verified" is false, ' +
          'nothing proves that the owner has made the token.',
      }),
      session: Type.Union([InspectedSession, Type.Null()], {
        description: 'The stored session of a verified token; null if it was removed.',
      }),
    }),
    ...refusals(...forBody, ...forAdmin, 'csrf_refused'),
  },
}

/** POST /v1/admin/inspect */
export function addInspect(app: App, inspector: TokenInspector): void {
  const options = { schema, config: { readsOnly: true } } as const
  app.post('/v1/admin/inspect', options, async (request) => answerOf(await inspector.inspect(request.body.token)))
}

function answerOf({ isVerified, times, secret, owner, session, checkedAt, checks, ...found }: Inspection) {
  return {
    ...found,
    checks: [...checks],
    verified: isVerified,
    issued_at: nullableTimeAnswer(times.issuedAt),
    not_before: nullableTimeAnswer(times.notBefore),
    expires_at: nullableTimeAnswer(times.expiresAt),
    checked_at: timeAnswer(checkedAt),
    secret: secret && secretAnswer(secret),
    owner: owner && ownerAnswer(owner),
    session: session && sessionAnswer(session),
  }
}

function secretAnswer(secret: NonNullable<Inspection['secret']>) {
  const { tenant, isDisabled, generation, state, createdAt, retiresAt, reissueRequired } = secret
  return {
    tenant,
    disabled: isDisabled,
    generation,
    state,
    created_at: timeAnswer(createdAt),
    retires_at: nullableTimeAnswer(retiresAt),
    reissue_required: reissueRequired,
  }
}

function ownerAnswer({ kind, id, label, name, isDisabled }: NonNullable<Inspection['owner']>) {
  return { kind, id, label, name, disabled: isDisabled }
}

function sessionAnswer({ id, userAgent, createdAt, lastUsedAt, endedAt }: NonNullable<Inspection['session']>) {
  return {
    id,
    device: deviceName(userAgent),
    created_at: timeAnswer(createdAt),
    last_used_at: timeAnswer(lastUsedAt),
    ended_at: nullableTimeAnswer(endedAt),
  }
}

function nullableTimeAnswer(ms: number | null): string | null {
  return ms === null ? null : timeAnswer(ms)
}
