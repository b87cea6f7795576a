import { type Auth, authenticationAgeSec } from '../auth.js'
import { checkWhole } from '../check-whole.js'
import { isOfClass } from '../claims/authentication.js'
import type { UntypedClaims } from '../claims/check-claims.js'
import { refusal } from '../errors.js'

/**
 * Throws `insufficient_user_authentication` unless the user has authenticated recently and strongly
 * enough; otherwise returns the same identity.
 */
export type RecentCheck = <C extends object = UntypedClaims>(auth: Auth<C>) => Auth<C>

/** The authentication that `requireRecent` demands. */
export interface RecentOptions {
  /** The seconds for which an authentication is recent, from 1 to 31,536,000. */
  readonly maxAge: number
  /**
   * The accepted authentication context classes (`acr`). `aal2` also accepts `aal3`, and `aal1`
   * both; any other class must be equal.
   *
   * @defaultValue any authentication
   */
  readonly acr?: string | readonly string[] | undefined
}

const longestAgeSec = 31_536_000

/** Visible ASCII without quote and backslash, which a challenge can contain without escaping. */
const acrToken = /^[\x21\x23-\x5b\x5d-\x7e]+$/

/**
 * Returns a check that the user authenticated within `maxAge` seconds, and with one of the classes
 * in `acr`. Otherwise the client must authenticate the user again (step-up, RFC 9470). A refresh of
 * the token does not help.
 *
 * The check reads `auth.authentication`. With `tenantSecrets` that needs the option `sessionIds` of
 * `createLatchkey`: without it, every request is refused, because the holder of a tenant's secret
 * can sign any claim.
 *
 * @returns A function that throws `insufficient_user_authentication` (401), whose challenge names
 * `acr_values` and `max_age` (RFC 9470 §3), or returns its argument.
 * @throws TypeError if `maxAge` is no whole number in its range, or `acr` no list of classes
 * @example
 * ```ts
 * import { createLatchkey, remoteJwks } from 'latchkey'
 * import { authenticate, requireRecent } from 'latchkey/fetch'
 *
 * const keys = remoteJwks('https://auth.example/jwks.json')
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * const checkRecent = requireRecent({ maxAge: 300, acr: 'aal2' })
 * export async function handle(request: Request): Promise<Response> {
 *   const { subject } = checkRecent(await authenticate(latchkey, request))
 *   return Response.json({ deletedBy: subject })
 * }
 * ```
 */
export function requireRecent({ maxAge, acr }: RecentOptions): RecentCheck {
  const maxAgeSec = checkWhole('maxAge', maxAge, 1, longestAgeSec)
  const classes = acr === undefined ? undefined : checkClasses([acr].flat())
  const acrValues = classes === undefined ? {} : { acr_values: classes.join(' ') }
  const challengeParameters = { ...acrValues, max_age: String(maxAgeSec) }
  return (auth) => {
    if (auth === undefined) throw new TypeError('requireRecent must run after requireAuth or authenticate.')
    const ageSec = authenticationAgeSec(auth)
    const isRecent = ageSec !== undefined && ageSec <= maxAgeSec
    if (!(isRecent && isAccepted(auth, classes))) {
      throw refusal('insufficient_user_authentication', { challengeParameters })
    }
    return auth
  }
}

function isAccepted({ authentication }: Auth<object>, classes: readonly string[] | undefined): boolean {
  return classes === undefined || classes.some((each) => isOfClass(authentication?.acr, each))
}

function checkClasses(classes: readonly unknown[]): readonly string[] {
  const wellFormed = classes.every((each): each is string => typeof each === 'string' && acrToken.test(each))
  if (classes.length > 0 && wellFormed) return classes as readonly string[]
  throw new TypeError('acr is one or more classes of visible ASCII without space, quote and backslash.')
}
