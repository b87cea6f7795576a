import { Type } from '../http/type.js'

const endOtherSessions = Type.Boolean({ description: 'Whether all other sessions of the account end.' })

/** The member of a change of factors that ends other sessions. */
export const endOtherSessionsField = { end_other_sessions: Type.Optional(endOtherSessions) }

interface OptionalChange {
  readonly end_other_sessions?: boolean
}

/** The body of a change of factors that may be absent. */
export const OptionalChangeBody = Type.Unsafe<OptionalChange | null | undefined>({
  type: ['object', 'null'],
  properties: { end_other_sessions: endOtherSessions },
  additionalProperties: false,
})

/** The refusals of every change that needs a recent sign-in. */
export const forRecent = ['recent_authentication_required'] as const

const closed = { additionalProperties: false }
const time = (description: string) => Type.String({ format: 'date-time', description })

const TrustedDevice = Type.Object(
  {
    name: Type.String({ description: 'Identifies the device at this account.' }),
    device: Type.Union([Type.String({ description: 'A short name from the user agent.' }), Type.Null()]),
    created_at: time('The time of the sign-in that has made it trusted.'),
    expires_at: time('The time after which it needs a second factor again.'),
  },
  closed,
)

/** The factors of an account, and what a sign-in accepts instead of them. */
export const FactorOverview = Type.Object(
  {
    factors: Type.Array(Type.Ref('Factor#'), { description: 'Oldest first.' }),
    recovery_codes_left: Type.Integer({ description: 'The number of recovery codes that are not used.' }),
    trusted_devices: Type.Array(TrustedDevice, { description: 'Newest first.' }),
  },
  closed,
)
