import type { Auth } from '../auth.js'
import type { UntypedClaims } from '../claims/check-claims.js'
import type { JsonValue } from '../claims/plain-json.js'
import { refusal } from '../errors.js'

/**
 * Throws `insufficient_claim` if the identity lacks a claim; otherwise returns the same identity.
 */
export type ClaimCheck = <C extends object = UntypedClaims>(auth: Auth<C>) => Auth<C>

/**
 * Returns a check that `auth.claims` holds this claim, with one of these values if any are listed.
 * A claim that is a list, such as `amr`, must contain one of them.
 *
 * With `tenantSecrets` the holder of a tenant's secret can sign any claim, so that a claim grants
 * nothing there: use `requireRole` or `requireScope`, whose grants are stored. This check is for
 * key sources whose issuer alone holds the keys, such as `remoteJwks`.
 *
 * @param values The accepted values; without any, each value is accepted, also `null`.
 * @returns A function that throws `insufficient_claim` (403) or returns its argument.
 * @throws TypeError if the name is no text or is empty
 * @example
 * ```ts
 * import { createLatchkey, remoteJwks } from 'latchkey'
 * import { authenticate, requireClaim } from 'latchkey/fetch'
 *
 * const keys = remoteJwks('https://auth.example/jwks.json')
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * const checkPlan = requireClaim('plan', 'pro', 'team')
 * export async function handle(request: Request): Promise<Response> {
 *   const { subject } = checkPlan(await authenticate(latchkey, request))
 *   return Response.json({ id: subject })
 * }
 * ```
 */
export function requireClaim(name: string, ...values: readonly JsonValue[]): ClaimCheck {
  if (typeof name !== 'string' || name === '') throw new TypeError('The name of a claim is a text that is not empty.')
  if (values.includes(undefined as never)) throw new TypeError('A value of a claim is JSON, and not undefined.')
  return (auth) => {
    if (auth === undefined) throw new TypeError('requireClaim must run after requireAuth or authenticate.')
    if (!(Object.hasOwn(auth.claims, name) && isAccepted(Reflect.get(auth.claims, name), values))) {
      throw refusal('insufficient_claim')
    }
    return auth
  }
}

function isAccepted(claim: unknown, values: readonly JsonValue[]): boolean {
  if (claim === undefined) return false
  if (values.length === 0) return true
  const candidates: readonly unknown[] = Array.isArray(claim) ? [claim, ...claim] : [claim]
  return candidates.some((candidate) => values.some((value) => isSameJson(candidate, value)))
}

/** Returns whether two JSON values are equal; the order of an object's members is no difference. */
function isSameJson(one: unknown, other: unknown): boolean {
  if (one === other) return true
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false
  if (Array.isArray(one) !== Array.isArray(other)) return false
  const names = Object.keys(one)
  if (names.length !== Object.keys(other).length) return false
  return names.every(
    (name) => Object.hasOwn(other, name) && isSameJson(Reflect.get(one, name), Reflect.get(other, name)),
  )
}
