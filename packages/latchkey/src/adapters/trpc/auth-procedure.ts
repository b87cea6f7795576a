import { initTRPC, type TRPCProcedureBuilder, type TRPCUnsetMarker } from '@trpc/server'
import type { Auth } from '../../auth.js'
import type { UntypedClaims } from '../../claims/check-claims.js'
import { type AuthCheck, checkChecks, passChecks } from '../../http/auth-checks.js'
import type { AuthContext } from './auth-context.js'
import { toTRPCError } from './trpc-error.js'

/** A procedure to `concat`, whose context has the identity as `auth`. */
export type AuthProcedure<C extends object = UntypedClaims> = TRPCProcedureBuilder<
  AuthContext<Auth<C> | undefined>,
  object,
  { auth: Auth<C> },
  TRPCUnsetMarker,
  TRPCUnsetMarker,
  TRPCUnsetMarker,
  TRPCUnsetMarker,
  false
>

/**
 * Returns a procedure for `concat` that lets only calls with a valid access token pass, and sets
 * `ctx.auth` to the identity. The context must come from `createAuthContext`.
 *
 * A refusal is a TRPCError, `UNAUTHORIZED` or `FORBIDDEN` for instance, whose `cause` is the
 * LatchkeyError.
 *
 * @typeParam C The output of the schema of the Latchkey. The context must have the same one.
 * @param checks Further checks of the identity, in their order.
 * @example
 * ```ts
 * import { initTRPC } from '@trpc/server'
 * import { type AuthContext, authProcedure, requireRole } from 'latchkey/trpc'
 *
 * const t = initTRPC.context<AuthContext>().create()
 * const editors = t.procedure.concat(authProcedure(requireRole('editor')))
 * export const router = t.router({ me: editors.query(({ ctx }) => ctx.auth.subject) })
 * ```
 */
export function authProcedure<C extends object = UntypedClaims>(...checks: readonly AuthCheck[]): AuthProcedure<C> {
  checkChecks('authProcedure', checks)
  const t = initTRPC.context<AuthContext<Auth<C> | undefined>>().create()
  return t.procedure.use(async ({ ctx, next }) => {
    const identity = await ctx.authenticate()
    try {
      return next({ ctx: { auth: passChecks(identity, checks) } })
    } catch (error) {
      throw toTRPCError(error)
    }
  })
}
