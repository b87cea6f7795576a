import { TRPCError } from '@trpc/server'
import { isLatchkeyError } from '../../errors.js'

/** The codes of tRPC by the status of a failure. */
const codes: ReadonlyMap<number, TRPCError['code']> = new Map([
  [400, 'BAD_REQUEST'],
  [401, 'UNAUTHORIZED'],
  [403, 'FORBIDDEN'],
  [404, 'NOT_FOUND'],
  [409, 'CONFLICT'],
  [503, 'SERVICE_UNAVAILABLE'],
])

/**
 * Returns a LatchkeyError as the TRPCError with its status, such as `UNAUTHORIZED` for 401. The
 * LatchkeyError is its `cause`. Returns every other value unchanged.
 *
 * @example
 * ```ts
 * import { initTRPC } from '@trpc/server'
 * import { sharedSecret, createLatchkey } from 'latchkey'
 * import { toTRPCError } from 'latchkey/trpc'
 *
 * const keys = sharedSecret({ secrets: [process.env.JWT_SECRET] })
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * const t = initTRPC.create()
 * export const token = t.procedure.mutation(async () => {
 *   try {
 *     return (await latchkey.issue({ subject: 'guest' })).token
 *   } catch (error) {
 *     throw toTRPCError(error)
 *   }
 * })
 * ```
 */
export function toTRPCError(error: unknown): unknown {
  if (!isLatchkeyError(error)) return error
  const code = codes.get(error.status) ?? 'INTERNAL_SERVER_ERROR'
  return new TRPCError({ code, message: error.message, cause: error })
}

/**
 * Returns the `WWW-Authenticate` challenge and the `Retry-After` of a refused call: the option
 * `responseMeta` of the HTTP adapters of tRPC.
 *
 * @example
 * ```ts
 * import { initTRPC } from '@trpc/server'
 * import { createHTTPHandler } from '@trpc/server/adapters/standalone'
 * import { refusalMeta } from 'latchkey/trpc'
 *
 * const t = initTRPC.create()
 * export const handler = createHTTPHandler({ router: t.router({}), responseMeta: refusalMeta })
 * ```
 */
export function refusalMeta({ errors }: { readonly errors: readonly { readonly cause?: unknown }[] }): {
  headers?: Record<string, string>
} {
  const refused = errors.map(({ cause }) => cause).find(isLatchkeyError)
  return refused === undefined ? {} : { headers: { ...refused.headers } }
}
