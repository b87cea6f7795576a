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
